// Dates and outlets that the next question is narrowed to. props.held: outlets with their counts; props.bars: articles
// over time. The value is what is sent along with a question.
const since = element.querySelector('[name="since"]');
const until = element.querySelector('[name="until"]');
const outlets = element.querySelector(".outlets");
const clear = element.querySelector("[data-clear]");
const SVG = "http://www.w3.org/2000/svg";

function set(part) {
  props.value = { ...props.value, ...part };
  show();
}

function show() {
  const value = props.value || {};
  if (since.value !== (value.since || "")) since.value = value.since || "";
  if (until.value !== (value.until || "")) until.value = value.until || "";
  const chosen = value.outlets || [];
  outlets.querySelectorAll("input").forEach((box) => { box.checked = chosen.includes(box.value); });
  const told = chosen.length > 1 ? `${chosen.length} outlets` : chosen[0] || "All outlets";
  outlets.querySelector("summary").textContent = told;
  clear.hidden = !(value.since || value.until || chosen.length);
  element.querySelectorAll("rect[data-first]").forEach((bar) => {
    const inside = (!value.since || bar.dataset.last >= value.since) && (!value.until || bar.dataset.first <= value.until);
    bar.setAttribute("class", inside ? "in" : "out");
  });
}

function drawOutlets() {
  outlets.querySelector("ul").replaceChildren(
    ...(props.held || []).map(([name, count]) => {
      const item = document.createElement("li");
      const label = document.createElement("label");
      const box = document.createElement("input");
      const text = document.createElement("span");
      box.type = "checkbox";
      box.value = name;
      text.dir = "auto";
      text.textContent = `${name || "no outlet"} (${count.toLocaleString()})`;
      label.append(box, text);
      item.append(label);
      return item;
    }),
  );
}

function drawBars() {
  const bars = props.bars || [];
  const place = element.querySelector(".bars");
  if (bars.length < 2) { place.replaceChildren(); return; }
  const most = Math.max(...bars.map(([, , n]) => n));
  const svg = document.createElementNS(SVG, "svg");
  const step = 180 / bars.length;
  svg.setAttribute("viewBox", "0 0 180 28");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `Articles from ${bars[0][0]} to ${bars.at(-1)[1]}`);
  bars.forEach(([first, last, n], i) => {
    const bar = document.createElementNS(SVG, "rect");
    const high = n ? Math.max(2, (n / most) * 28) : 0;
    bar.setAttribute("x", i * step);
    bar.setAttribute("width", Math.max(step - 0.6, 0.5));
    bar.setAttribute("y", 28 - high);
    bar.setAttribute("height", high);
    bar.dataset.first = first;
    bar.dataset.last = last;
    svg.append(bar);
  });
  // Dragging over the bars chooses the days; by keyboard the two date inputs do.
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.min(bars.length - 1, Math.max(0, Math.floor(share * bars.length)));
  };
  let from = null;
  svg.addEventListener("pointerdown", (event) => { from = at(event); svg.setPointerCapture(event.pointerId); });
  svg.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [a, b] = [from, at(event)].sort((x, y) => x - y);
    from = null;
    set({ since: bars[a][0], until: bars[b][1] });
  });
  place.replaceChildren(svg);
}

element.addEventListener("change", (event) => {
  if (event.target.type === "date") set({ [event.target.name]: event.target.value });
  if (event.target.type === "checkbox") {
    set({ outlets: [...outlets.querySelectorAll("input:checked")].map((box) => box.value) });
  }
});
clear.addEventListener("click", () => set({ since: "", until: "", outlets: [] }));
document.addEventListener("click", (event) => { if (!outlets.contains(event.target)) outlets.open = false; });
outlets.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { outlets.open = false; outlets.querySelector("summary").focus(); }
});
watch(["held", "bars"], () => { drawOutlets(); drawBars(); show(); });
watch("value", show);
drawOutlets();
drawBars();
show();
