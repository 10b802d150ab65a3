// What the next question is narrowed to: dates, outlets, languages, somebody's words. props.held: outlets with their
// counts; props.bars: articles over time; props.languages: codes with their counts; props.people: names to choose from.
// The value is what is sent along with a question.
const since = element.querySelector('[name="since"]');
const until = element.querySelector('[name="until"]');
const outlets = element.querySelector(".outlets");
const languages = element.querySelector(".languages");
const speaker = element.querySelector('[name="speaker"]');
const clear = element.querySelector("[data-clear]");
const SVG = "http://www.w3.org/2000/svg";

function set(part) {
  props.value = { ...props.value, ...part };
  show();
}

const languageNamed = (code) => window.datelineLanguage?.(code) ?? code; // of page.js
const checked = (menu) => [...menu.querySelectorAll("input:checked")].map((box) => box.value);

function show() {
  const value = props.value || {};
  if (since.value !== (value.since || "")) since.value = value.since || "";
  if (until.value !== (value.until || "")) until.value = value.until || "";
  const chosen = [value.outlets || [], value.languages || [], value.speakers || []];
  check(outlets, chosen[0], "outlets", (name) => name);
  check(languages, chosen[1], "languages", languageNamed);
  languages.hidden = !(props.languages || []).length && !chosen[1].length;
  if (document.activeElement !== speaker) speaker.value = chosen[2].join(", ");
  clear.hidden = !(value.since || value.until || chosen.some((part) => part.length));
  element.querySelectorAll("rect[data-first]").forEach((bar) => {
    const inside = (!value.since || bar.dataset.last >= value.since) && (!value.until || bar.dataset.first <= value.until);
    bar.setAttribute("class", inside ? "in" : "out");
  });
}

function check(menu, chosen, what, named) {
  menu.querySelectorAll("input").forEach((box) => { box.checked = chosen.includes(box.value); });
  const one = chosen.length ? named(chosen[0]) : "";
  menu.querySelector("summary").textContent = chosen.length > 1 ? `${chosen.length} ${what}` : one || `All ${what}`;
}

function drawMenu(menu, held, named) {
  menu.querySelector("ul").replaceChildren(
    ...(held || []).map(([name, count]) => {
      const item = document.createElement("li");
      const label = document.createElement("label");
      const box = document.createElement("input");
      const text = document.createElement("span");
      box.type = "checkbox";
      box.value = name;
      text.dir = "auto";
      text.textContent = `${named(name)} (${count.toLocaleString()})`;
      label.append(box, text);
      item.append(label);
      return item;
    }),
  );
}

function drawChoices() {
  drawMenu(outlets, props.held, (name) => name || "no outlet");
  drawMenu(languages, props.languages, languageNamed);
  element.querySelector("datalist").replaceChildren(...(props.people || []).map((name) => new Option(name, name)));
  drawBars();
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
  if (event.target.type === "checkbox") set({ outlets: checked(outlets), languages: checked(languages) });
  if (event.target === speaker) set({ speakers: speaker.value.trim() ? [speaker.value.trim()] : [] });
});
clear.addEventListener("click", () => set({ since: "", until: "", outlets: [], languages: [], speakers: [] }));
document.addEventListener("click", (event) => {
  [outlets, languages].forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
[outlets, languages].forEach((menu) => menu.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
}));
watch(["held", "bars", "languages", "people"], () => { drawChoices(); show(); });
watch("value", show);
drawChoices();
show();
