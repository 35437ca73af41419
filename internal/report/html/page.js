"use strict";
// Filters. What is shown follows from the form and the chosen box; both are
// kept in the address, so that a view can be passed on and reloaded.
(() => {
  const form = document.getElementById("filters");
  const graph = document.getElementById("graph");
  if (!form) return;
  const findings = [...document.querySelectorAll("article.finding")];
  const files = [...document.querySelectorAll("section.file")];
  const severities = [...form.querySelectorAll("[name=severity]")];
  const nodes = graph ? [...graph.querySelectorAll(".node")] : [];
  const shown = document.getElementById("shown"), nothing = document.getElementById("nothing"), boxed = document.getElementById("boxed");
  const texts = ["q", "family", "rule", "cost", "state"].map((n) => form.elements[n]).filter(Boolean);
  const advisory = form.elements.advisory;
  let node = "", explain = "";

  const write = () => {
    const p = new URLSearchParams();
    const on = severities.filter((b) => b.checked).map((b) => b.value);
    if (on.length < severities.length) p.set("severity", on.join(","));
    for (const t of texts) if (t.value) p.set(t.name, t.value);
    if (!advisory.checked) p.set("advisory", "0");
    if (node) p.set("node", node);
    if (explain) p.set("explain", explain);
    const hash = p.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  };

  const read = () => {
    const p = new URLSearchParams(location.hash.slice(1));
    const on = p.has("severity") ? p.get("severity").split(",") : null;
    for (const b of severities) b.checked = !on || on.includes(b.value);
    for (const t of texts) {
      t.value = p.get(t.name) || "";
      if (t.selectedIndex === -1) t.value = "";
    }
    advisory.checked = p.get("advisory") !== "0";
    node = nodes.some((n) => n.dataset.node === p.get("node")) ? p.get("node") : "";
    explain = p.get("explain") || "";
  };

  const apply = () => {
    const on = new Set(severities.filter((b) => b.checked).map((b) => b.value));
    const value = Object.fromEntries(texts.map((t) => [t.name, t.value]));
    const words = (value.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const f of findings) {
      const d = f.dataset;
      const ok = on.has(d.severity) && (!value.family || d.family === value.family) && (!value.rule || d.rule === value.rule) &&
        (!value.cost || d.cost === value.cost) && (!value.state || d.state === value.state) && (advisory.checked || d.advisory !== "true") &&
        (!node || d.nodes.split(" ").includes(node)) && words.every((w) => d.search.includes(w));
      f.hidden = !ok;
      if (ok) count++;
    }
    for (const s of files) s.hidden = !s.querySelector("article:not([hidden])");
    shown.textContent = shown.dataset.text.replace("{0}", count).replace("{1}", findings.length);
    nothing.hidden = count > 0;
    boxed.hidden = !node;
    for (const n of nodes) {
      const chosen = n.dataset.node === node;
      if (n.hasAttribute("aria-pressed")) n.setAttribute("aria-pressed", chosen);
      if (chosen) boxed.querySelector("b").textContent = n.querySelector("title").textContent.split("\n").join(" · ");
    }
    trace(node);
  };

  // trace lights up every line that leads to the box or away from it.
  const trace = (start) => {
    if (!graph) return;
    const edges = [...graph.querySelectorAll(".edge")];
    graph.classList.toggle("traced", !!start);
    for (const e of edges) e.classList.remove("lit");
    for (const [here, there] of start ? [["from", "to"], ["to", "from"]] : []) {
      const seen = new Set([start]), queue = [start];
      while (queue.length) {
        const n = queue.pop();
        for (const e of edges) {
          if (e.dataset[here] !== n) continue;
          e.classList.add("lit");
          if (!seen.has(e.dataset[there])) { seen.add(e.dataset[there]); queue.push(e.dataset[there]); }
        }
      }
    }
  };

  const change = () => { apply(); write(); };
  const toList = () => document.getElementById("h-findings").scrollIntoView({ block: "start" });
  const only = (severity, cost) => {
    form.reset();
    node = "";
    for (const b of severities) b.checked = b.value === severity;
    if (cost) form.elements.cost.value = cost;
    change();
    toList();
  };
  const open = (id) => {
    const d = document.getElementById("rule-" + id);
    if (d) { d.open = true; d.scrollIntoView({ block: "start" }); d.querySelector("summary").focus({ preventScroll: true }); }
  };

  form.addEventListener("input", change);
  form.addEventListener("submit", (e) => e.preventDefault());
  form.addEventListener("reset", () => { node = explain = ""; setTimeout(change); });
  boxed.querySelector("button").addEventListener("click", () => { node = ""; change(); });
  document.addEventListener("click", (e) => {
    const link = e.target.closest("[data-explain]"), tile = e.target.closest("[data-tile]"), cell = e.target.closest("button.cell"), box = e.target.closest("#graph .hit");
    if (link) { e.preventDefault(); explain = link.dataset.explain; write(); open(explain); }
    if (tile && severities.some((b) => b.value === tile.dataset.tile)) only(tile.dataset.tile, "");
    if (cell) only(cell.dataset.severity, cell.dataset.cost);
    if (box) { node = node === box.dataset.node ? "" : box.dataset.node; change(); }
  });
  document.addEventListener("keydown", (e) => {
    const typing = e.target.closest("input, select, textarea");
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); form.elements.q.focus(); }
    if (e.key === "Escape" && (node || form.elements.q.value)) { node = ""; form.elements.q.value = ""; change(); }
    const box = e.target.closest("#graph .hit");
    if (box && (e.key === "Enter" || e.key === " ")) { e.preventDefault(); node = node === box.dataset.node ? "" : box.dataset.node; change(); }
  });
  window.addEventListener("hashchange", () => { read(); apply(); });
  window.addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
  read();
  apply();
  if (explain) open(explain);
})();
