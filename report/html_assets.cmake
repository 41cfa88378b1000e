# cmake -D FOLDER=report -D OUT=html_assets.c -P html_assets.cmake
cmake_minimum_required(VERSION 3.18)
set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

# RFC 4648 4, of the 64 hexadecimal digits of a SHA-256: 43 characters and one of padding.
function(base64_of out hex)
  set(text "")
  string(APPEND hex "00") # 33 bytes
  foreach(at RANGE 0 60 6)
    string(SUBSTRING ${hex} ${at} 6 three)
    foreach(shift 18 12 6 0)
      math(EXPR digit "(0x${three} >> ${shift}) & 63")
      string(SUBSTRING ${alphabet} ${digit} 1 character)
      string(APPEND text ${character})
    endforeach()
  endforeach()
  string(SUBSTRING ${text} 0 43 text)
  set(${out} "${text}=" PARENT_SCOPE)
endfunction()

set(code "#include \"report/html_private.h\"\n")
foreach(kind css js)
  file(READ ${FOLDER}/html.${kind} hex HEX)
  file(SHA256 ${FOLDER}/html.${kind} digest)
  base64_of(hash ${digest})
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND code
    "\nstatic const unsigned char ${kind}[] = {${bytes}};\n"
    "const struct html_asset html_${kind} = {{${kind}, sizeof ${kind}}, \"sha256-${hash}\"};\n")
endforeach()
file(WRITE ${OUT} "${code}")
