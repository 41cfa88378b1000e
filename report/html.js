// The HTML report of krbscope: everything is readable without this. It adds copy buttons, sorting
// and filtering of the attempts, and opens what a link leads to.
"use strict";
(function () {
  const doc = document;
  const root = doc.documentElement;
  const all = (selector, from) => Array.from((from || doc).querySelectorAll(selector));
  root.classList.add("js");

  function make(name, properties, ...children) {
    const element = Object.assign(doc.createElement(name), properties);
    element.append(...children);
    return element;
  }

  const status = make("p", { className: "vh" });
  status.setAttribute("role", "status");
  doc.querySelector("main").append(status);

  // Copying. Where the clipboard is closed to the page, a selection of its own does it.
  function copyBySelection(text) {
    const area = make("textarea", { value: text, className: "vh" });
    doc.body.append(area);
    area.select();
    const good = doc.execCommand("copy");
    area.remove();
    return good;
  }

  async function copy(button) {
    const text = button.parentElement.querySelector("code").textContent;
    let good = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      good = copyBySelection(text);
    }
    button.textContent = good ? "Copied" : "Select it by hand";
    status.textContent = good ? "Copied." : "It could not be copied.";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  // Opens what the address names, and all around it.
  function open(id) {
    const target = id && doc.getElementById(id);
    if (!target) {
      return;
    }
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") {
        at.open = true;
      }
    }
    all(".hit").forEach((element) => element.classList.remove("hit"));
    target.classList.add("hit");
    target.scrollIntoView({ block: target.tagName === "DETAILS" ? "center" : "start" });
  }

  doc.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    const link = event.target.closest("a[href^='#']");
    const mark = event.target.closest("[data-a]");
    if (button) {
      copy(button);
    } else if (link) {
      // After the browser has gone there itself.
      setTimeout(() => open(link.hash.slice(1)), 0);
    } else if (mark) {
      location.hash = "a" + mark.dataset.a;
    }
  });
  addEventListener("hashchange", () => open(location.hash.slice(1)));

  // On paper every attempt is open; on the screen it closes again.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details.one:not([open])");
    closed.forEach((element) => { element.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((element) => { element.open = false; }));

  // A switch above each ladder.
  all(".lad").forEach((ladder) => {
    const rows = all("details", ladder);
    const button = make("button", { type: "button", textContent: "Open all rows" });
    button.addEventListener("click", () => {
      const wanted = rows.some((row) => !row.open);
      rows.forEach((row) => { row.open = wanted; });
      button.textContent = wanted ? "Close all rows" : "Open all rows";
    });
    ladder.before(make("div", { className: "bar" }, button));
  });

  const table = doc.querySelector("table.attempts");
  if (table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const keys = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent));
    const details = rows.map((row) => {
      const article = doc.getElementById("a" + row.cells[0].textContent);
      return article && article.closest("details");
    });

    Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
      const button = make("button", { type: "button", textContent: header.textContent });
      header.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = header.getAttribute("aria-sort") === "ascending";
        const order = rows.map((row, index) => index);
        order.sort((a, b) => {
          const difference = column === 0 ? a - b : keys[a][column].localeCompare(keys[b][column]);
          return (down ? -difference : difference) || a - b;
        });
        all("th", table.tHead).forEach((other) => other.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
        body.append(...order.map((index) => rows[index]));
      });
    });

    const words = make("input", { type: "search", name: "words", placeholder: "name, address, ..." });
    const choose = (column, name) => {
      const values = Array.from(new Set(keys.map((key) => key[column]))).sort();
      const select = make("select", { name: name }, make("option", { value: "", textContent: "any" }));
      values.filter((value) => value !== "").forEach((value) => {
        select.append(make("option", { value: value, textContent: value }));
      });
      return select;
    };
    const outcome = choose(4, "outcome");
    const cause = choose(5, "cause");
    const count = make("output", {});

    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
      let shown = 0;
      rows.forEach((row, index) => {
        const key = keys[index];
        const text = key.join(" ").toLowerCase();
        const good = wanted.every((word) => text.includes(word)) &&
          (outcome.value === "" || key[4] === outcome.value) &&
          (cause.value === "" || key[5] === cause.value);
        row.hidden = !good;
        if (details[index]) {
          details[index].hidden = !good;
        }
        shown += good ? 1 : 0;
      });
      count.textContent = shown === rows.length ? rows.length + " attempts"
        : shown + " of " + rows.length + " attempts";
    };

    const bar = make("div", { className: "bar" },
      make("label", {}, "Filter", words),
      make("label", {}, "Outcome", outcome),
      make("label", {}, "Cause", cause),
      count);
    bar.setAttribute("role", "search");
    bar.addEventListener("input", filter);
    table.before(bar);
    filter();
  }

  open(location.hash.slice(1));
}());
