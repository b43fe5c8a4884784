"use strict";
(() => {
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") element.className = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const data = (name) => {
    const block = document.getElementById(`data-${name}`);
    return block ? JSON.parse(block.textContent) : null;
  };
  const lazily = (load) => {
    let made = null;
    return () => (made ??= load());
  };

  // Tables: sorted by a click on a heading, filtered by words.
  const numberOf = (text) => {
    const found = /[-+−]?\d[\d,]*(?:\.\d+)?/.exec(text);
    if (!found) return null;
    const value = Number(found[0].replace("−", "-").replaceAll(",", ""));
    return text.trim().startsWith("<") ? value - 1e-9 : text.trim().startsWith(">") ? value + 1e-9 : value;
  };
  const columnsOf = (head) => {
    // By heading of the lowest row: its column, where headings above span rows or columns.
    const places = new Map();
    const taken = [];
    [...head.rows].forEach((row, level) => {
      let column = 0;
      for (const cell of row.cells) {
        while (taken[column] > level) column += 1;
        if (cell.colSpan === 1) places.set(cell, column);
        for (let one = 0; one < cell.colSpan; one += 1) taken[column + one] = level + cell.rowSpan;
        column += cell.colSpan;
      }
    });
    return places;
  };
  const compared = (first, second) => {
    if (first === second) return 0;
    if (first === null) return 1;
    if (second === null) return -1;
    return typeof first === "number" && typeof second === "number" ? first - second : String(first).localeCompare(String(second), "en", { numeric: true });
  };
  for (const table of document.querySelectorAll("table.data")) {
    const body = table.tBodies[0];
    if (body.rows.length < 2 || !table.caption) continue;
    const original = [...body.rows];
    const places = columnsOf(table.tHead);
    for (const [heading, column] of places) {
      const text = heading.textContent;
      if (!text.trim()) continue;
      const button = make("button", { type: "button" }, text);
      heading.replaceChildren(button);
      const number = heading.classList.contains("n");
      button.addEventListener("click", () => {
        const before = heading.getAttribute("aria-sort");
        const next = before === null ? (number ? "descending" : "ascending") : before === (number ? "descending" : "ascending") ? (number ? "ascending" : "descending") : null;
        for (const other of places.keys()) other.removeAttribute("aria-sort");
        table.classList.toggle("sorted", next !== null);
        if (next === null) {
          body.append(...original);
          return;
        }
        heading.setAttribute("aria-sort", next);
        const key = (row) => {
          const shown = row.cells[column].textContent.trim();
          if (shown === "–" || shown === "") return null;
          return number ? numberOf(shown) : shown;
        };
        const keyed = original.map((row) => [key(row), row]);
        const sign = next === "ascending" ? 1 : -1;
        // Cells without a value are last in both directions.
        keyed.sort(([first], [second]) => (first === null || second === null ? compared(first, second) : sign * compared(first, second)));
        body.append(...keyed.map(([, row]) => row));
      });
    }
    if (original.length > 5) {
      const title = table.caption.querySelector("strong").textContent;
      const input = make("input", { type: "search", "aria-label": `Filter rows: ${title}` });
      const count = make("output", { "aria-live": "polite" });
      input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const row of original) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((word) => text.includes(word));
          shown += row.hidden ? 0 : 1;
        }
        count.textContent = words.length ? `${shown} of ${original.length} rows` : "";
      });
      table.closest(".table").prepend(make("div", { class: "tools" }, make("label", {}, "Filter rows", input), count, make("span", { class: "source" }, "A heading sorts.")));
    }
  }

  // Figures of one kind for each arm: one is shown at a time.
  const chooser = (kind, extra) => {
    for (const section of document.querySelectorAll("main > section")) {
      const figures = [...section.querySelectorAll(`figure[data-kind="${kind}"]`)];
      if (!figures.length) continue;
      const select = make("select", {});
      figures.forEach((figure, place) => select.append(make("option", { value: place }, figure.dataset.arm)));
      const tools = make("div", { class: "tools" }, make("label", {}, "Arm", select));
      figures[0].before(tools);
      const update = () => {
        figures.forEach((figure, place) => { figure.hidden = place !== Number(select.value); });
        extra.chosen?.(figures[Number(select.value)]);
      };
      select.addEventListener("change", update);
      extra.begin?.(tools, figures);
      update();
    }
  };

  // Confusions: every cell opens the list of its clips.
  const unpacked = (text, count) => {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const width = count <= 256 ? 1 : count <= 65536 ? 2 : 4;
    const values = new Array(bytes.length / width);
    for (let place = 0; place < values.length; place += 1) {
      let value = 0;
      for (let byte = width - 1; byte >= 0; byte -= 1) value = value * 256 + bytes[place * width + byte];
      values[place] = value;
    }
    return values;
  };
  const answers = lazily(() => {
    const found = data("answers");
    const classes = found.classes.length;
    found.truth = unpacked(found.truth, classes);
    found.sets = found.sets.map((each) => unpacked(each, found.clips.length));
    found.tests = found.tests.map(([arm, fold, seed, set, called, percent]) => ({ arm, fold, seed, set, called: unpacked(called, classes), percent: unpacked(percent, 101) }));
    return found;
  });
  const clipsOf = (arm, truth, predicted) => {
    const { tests, sets, clips, truth: labels } = answers();
    const rows = [];
    for (const test of tests) {
      if (test.arm !== arm) continue;
      sets[test.set].forEach((clip, place) => {
        if (labels[clip] === truth && test.called[place] === predicted) rows.push([clips[clip], test.fold, test.seed, test.percent[place]]);
      });
    }
    return rows.sort((first, second) => second[3] - first[3] || compared(first[0], second[0]));
  };
  const MOST = 1000;
  const dialog = document.getElementById("listed-clips");
  const open = (arm, truth, predicted) => {
    const { classes } = answers();
    const rows = clipsOf(arm, truth, predicted);
    document.getElementById("listed-clips-title").textContent = `${arm}: ${classes[truth]} classified as ${classes[predicted]}, ${rows.length} ${rows.length === 1 ? "test" : "tests"}`;
    const head = make("tr", {}, ...["Clip", "Fold", "Seed", "Probability"].map((name, place) => make("th", place ? { scope: "col", class: "n" } : { scope: "col" }, name)));
    const body = make("tbody", {}, ...rows.slice(0, MOST).map(([clip, fold, seed, percent]) => make("tr", {}, make("th", { scope: "row" }, clip), ...[fold, seed, `${percent} %`].map((text) => make("td", { class: "n" }, String(text))))));
    const note = rows.length > MOST ? `The ${MOST} with the largest probability are listed.` : "Probability is that of the predicted class; the most certain test is first.";
    const table = make("table", { class: "data" }, make("thead", {}, head), body);
    dialog.querySelector(".list").replaceChildren(make("p", { class: "source" }, note), make("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "listed-clips-title" }, table));
    dialog.showModal();
  };
  const prepared = new Set();
  const prepare = (figure) => {
    if (prepared.has(figure)) return;
    prepared.add(figure);
    const { classes } = data("answers");
    const cells = [...figure.querySelectorAll("td[data-n]")];
    cells.forEach((cell, place) => {
      const [truth, predicted] = [cell.parentNode.rowIndex - 2, cell.cellIndex - 1];
      const count = cell.dataset.n;
      const label = `${classes[truth]} classified as ${classes[predicted]}: ${count} ${count === "1" ? "test" : "tests"}, ${cell.textContent} %; list the clips`;
      const button = make("button", { type: "button", tabindex: place ? "-1" : "0", "aria-label": label }, cell.textContent);
      button.dataset.percent = cell.textContent;
      button.addEventListener("click", () => open(figure.dataset.arm, truth, predicted));
      cell.replaceChildren(button);
    });
    // One stop of the tab key for the matrix; arrows move between cells.
    figure.querySelector("tbody").addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const cell = event.target.closest("td");
      if (!step || !cell) return;
      event.preventDefault();
      const rows = figure.querySelector("tbody").rows;
      let [row, column] = [cell.parentNode.sectionRowIndex, cell.cellIndex];
      do {
        row += step[0];
        column += step[1];
      } while (rows[row]?.cells[column] && !rows[row].cells[column].querySelector("button"));
      const next = rows[row]?.cells[column]?.querySelector("button");
      if (!next) return;
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  };
  chooser("confusion", {
    begin: (tools, figures) => {
      const box = make("input", { type: "checkbox" });
      tools.append(make("label", {}, box, "Counts instead of percent"), make("span", { class: "source" }, "A cell lists its clips; arrow keys move between cells."));
      box.addEventListener("change", () => {
        for (const button of document.querySelectorAll(".confusion td button")) button.textContent = box.checked ? button.closest("td").dataset.n : button.dataset.percent;
      });
      const counts = () => box.checked && box.dispatchEvent(new Event("change"));
      tools.querySelector("select").addEventListener("change", () => setTimeout(counts));
    },
    chosen: prepare,
  });

  // Learning curves: of all folds as drawn, or of one training.
  const SVG = "http://www.w3.org/2000/svg";
  const drawn = (tag, attributes, text) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const LINES = [
    ["Cross-entropy loss (nats)", [["train_loss", "training", "#0072B2", ""], ["validation_loss", "validation", "#B34700", "5 2"]]],
    ["Accuracy in %", [["train_segment_accuracy", "training (segments)", "#0072B2", ""], ["validation_macro_accuracy", "validation (macro)", "#B34700", "5 2"], ["test_macro_accuracy", "test (macro; chose the epoch)", "#000000", "2 2"]]],
  ];
  const steps = (low, high, most) => {
    const raw = (high - low || 1) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((one) => one * power >= raw);
    const found = [];
    for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) found.push(Number(value.toPrecision(6)));
    return found;
  };
  const chart = (run, title) => {
    const picture = drawn("svg", { class: "plot", viewBox: "0 0 640 270", width: 726, height: 306, role: "img", "aria-label": title });
    LINES.forEach(([label, lines], panel) => {
      const shown = lines.filter(([column]) => run[column]);
      const values = shown.flatMap(([column]) => run[column]).filter((value) => value !== null);
      if (!values.length) return;
      const [left, right, top, bottom] = [panel * 320 + 52, panel * 320 + 310, 16, 190];
      const [low, high] = panel ? [Math.min(...values, 100) , Math.max(...values)] : [Math.min(...values, 0), Math.max(...values)];
      const [first, last] = [run.epochs[0], Math.max(run.epochs.at(-1), run.epochs[0] + 1)];
      const x = (epoch) => left + ((epoch - first) / (last - first)) * (right - left);
      const y = (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - top);
      for (const tick of steps(low, high, 5)) {
        picture.append(drawn("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), stroke: "#d5d5d5" }), drawn("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end", "font-size": 11 }, String(tick)));
      }
      for (const tick of steps(first, last, 6).filter(Number.isInteger)) picture.append(drawn("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle", "font-size": 11 }, String(tick)));
      picture.append(drawn("text", { x: (left + right) / 2, y: bottom + 32, "text-anchor": "middle", "font-size": 11 }, "Epoch"));
      picture.append(drawn("text", { x: left - 40, y: (top + bottom) / 2, "text-anchor": "middle", "font-size": 11, transform: `rotate(-90 ${left - 40} ${(top + bottom) / 2})` }, label));
      shown.forEach(([column, name, colour, dashes], place) => {
        let path = "";
        run[column].forEach((value, at) => {
          if (value !== null) path += `${path && run[column][at - 1] !== null ? "L" : "M"}${x(run.epochs[at]).toFixed(1)} ${y(value).toFixed(1)}`;
        });
        picture.append(drawn("path", { d: path, fill: "none", stroke: colour, "stroke-width": 2, "stroke-dasharray": dashes }));
        const height = bottom + 48 + 14 * place;
        picture.append(drawn("line", { x1: left, x2: left + 24, y1: height - 4, y2: height - 4, stroke: colour, "stroke-width": 2, "stroke-dasharray": dashes }), drawn("text", { x: left + 30, y: height, "font-size": 11 }, name));
      });
    });
    return picture;
  };
  const curves = lazily(() => new Map((data("curves") || []).map((each) => [`figure-${each.name}`, each])));
  let training = null;
  chooser("curves", {
    begin: (tools) => {
      training = make("select", {});
      tools.append(make("label", {}, "Training", training));
      training.addEventListener("change", () => {
        const figure = [...document.querySelectorAll('figure[data-kind="curves"]')].find((one) => !one.hidden);
        const whole = figure.querySelector(".scroll:not(.one)");
        for (const one of figure.querySelectorAll(".one")) one.remove();
        const each = curves().get(figure.id);
        const run = training.value === "" ? undefined : each?.runs[Number(training.value)];
        for (const other of [whole, figure.querySelector("figcaption")]) if (other) other.hidden = Boolean(run);
        if (run) {
          const title = `Learning curves of ${each.arm}, fold ${run.fold}, seed ${run.seed}`;
          const picture = make("div", { class: "scroll paper one", tabindex: "0", role: "region", "aria-label": title }, chart(run, title));
          figure.prepend(picture, make("p", { class: "source one" }, `${title}.`));
        }
      });
    },
    chosen: (figure) => {
      const runs = curves().get(figure.id)?.runs || [];
      training.replaceChildren(make("option", { value: "" }, "all folds"), ...runs.map((run, place) => make("option", { value: place }, `fold ${run.fold}, seed ${run.seed}`)));
      training.closest("label").hidden = !runs.length;
      training.dispatchEvent(new Event("change"));
    },
  });

  // Phones begin at the findings; printed pages show what is folded.
  if (matchMedia("(max-width: 71.99rem)").matches) document.querySelector(".contents").open = false;
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("main details:not([open])")) {
      folded.open = true;
      folded.dataset.folded = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const unfolded of document.querySelectorAll("details[data-folded]")) {
      unfolded.open = false;
      delete unfolded.dataset.folded;
    }
  });
})();
