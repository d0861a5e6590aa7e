"use strict";
(() => {
  const root = document.documentElement;
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = document.getElementById("theme");
  const label = () => { theme.textContent = dark() ? "Light" : "Dark"; };
  theme.hidden = false;
  label();
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });

  const save = (name, rows) => {
    const quoted = (cell) => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
    const text = rows.map((row) => row.map((cell) => quoted(String(cell ?? ""))).join(",")).join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text + "\n"], { type: "text/csv" }));
    link.download = name.replace(/[^\w.-]+/g, "-").toLowerCase() + ".csv";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const csvButton = (name, rows, before) => {
    const tools = document.createElement("div");
    tools.className = "tools";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "CSV";
    button.setAttribute("aria-label", `Save ${name} as CSV`);
    button.addEventListener("click", () => save(name, rows()));
    tools.append(button);
    before.before(tools);
  };
  const titleOf = (element) =>
    element.closest("details")?.querySelector("summary")?.textContent ??
    element.closest("section")?.querySelector("h2")?.textContent ?? "table";

  document.querySelectorAll("main table").forEach((table, index) => {
    const frame = document.createElement("div");
    frame.className = "table";
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", titleOf(table));
    table.before(frame);
    frame.append(table);
    csvButton(`${titleOf(table)} ${index + 1}`, () =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim())), frame);
    table.addEventListener("click", async (event) => {
      const cell = event.target.closest("td");
      if (!cell || String(getSelection())) return;
      try { await navigator.clipboard.writeText(cell.textContent.trim()); } catch { return; }
      cell.classList.add("copied");
      setTimeout(() => cell.classList.remove("copied"), 600);
    });
  });
  document.querySelectorAll("main pre").forEach((text) => {
    text.tabIndex = 0;  // one that is too wide is scrolled with the keyboard
    text.setAttribute("role", "group");
    text.setAttribute("aria-label", titleOf(text));
  });
  addEventListener("beforeprint", () =>
    document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));

  const dataOf = (spec) => {
    const rows = [spec, ...(spec.layer ?? [])].flatMap((part) => part.data?.values ?? []);
    return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
  };
  document.querySelectorAll("figure").forEach((figure) => {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const chart = figure.querySelector(".chart");
    csvButton(figure.querySelector("h3").textContent, () => {
      const rows = dataOf(spec);
      const names = [...new Set(rows.flatMap(Object.keys))];
      return [names, ...rows.map((row) => names.map((name) => row[name]))];
    }, chart);
  });

  const packed = document.getElementById("library");
  if (!packed || typeof DecompressionStream === "undefined") return;
  const unpack = async () => {
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    (0, eval)(await new Response(plain).text());
  };
  const library = unpack();
  const config = JSON.parse(document.getElementById("config").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;
  const show = async (chart) => {
    const spec = JSON.parse(chart.parentElement.querySelector("script").textContent);
    const drawnFor = spec.width;
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };
    if ("zoom" in chart.dataset && !touch && spec.layer) {
      spec.layer[0].params = [{
        name: "zoom",
        select: { type: "interval", encodings: ["x"], zoom: "wheel![event.shiftKey]" },
        bind: "scales",
      }];
      chart.title = "Drag to move, Shift and the wheel to zoom, double-click to reset";
    }
    for (const part of [spec, ...(spec.layer ?? [])]) {
      const legend = part.encoding?.color?.legend;
      if (legend?.columns) legend.columns = Math.max(1, Math.floor(legend.columns * chart.clientWidth / drawnFor));
    }
    const frame = document.createElement("div");
    frame.style.width = "100%";
    chart.append(frame);
    try {
      await library;
      await vegaEmbed(frame, spec, { actions: false, renderer: "svg", config, mode: "vega-lite" });
    } catch (error) {
      frame.remove();
      console.error(error);
      return;
    }
    chart.querySelector(":scope > svg").remove();
    chart.classList.add("live");
  };
  const observer = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    observer.unobserve(entry.target);
    show(entry.target);
  }), { rootMargin: "300px" });
  document.querySelectorAll(".chart").forEach((chart) => observer.observe(chart));
})();
