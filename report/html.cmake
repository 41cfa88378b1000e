# report/: the style sheet and the script of the HTML report, kept as files of their own so that
# they can be read and checked, become arrays of the program. Their SHA-256 goes into the page's
# Content-Security-Policy, which takes base64.
set(html_dir ${PROJECT_BINARY_DIR}/html)
set(html_assets ${PROJECT_SOURCE_DIR}/report/html.css ${PROJECT_SOURCE_DIR}/report/html.js)
add_custom_command(
  OUTPUT ${html_dir}/html_assets.c
  COMMAND ${CMAKE_COMMAND} -D FOLDER=${PROJECT_SOURCE_DIR}/report
          -D OUT=${html_dir}/html_assets.c
          -P ${PROJECT_SOURCE_DIR}/report/html_assets.cmake
  DEPENDS ${html_assets} ${PROJECT_SOURCE_DIR}/report/html_assets.cmake
  COMMENT "html.css and html.js into arrays"
  VERBATIM)
target_sources(krbscope_report PRIVATE ${html_dir}/html_assets.c)
