// One behaviour for the parts of the page that we render: what was asked before, the last answer, the evidence.
// element, trigger and watch are given by Gradio; what is triggered reaches web/page.py.
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const go = (target, block) => target.scrollIntoView({ behavior: calm ? "auto" : "smooth", block });
const turnOf = (target) => Number(target.closest("[data-turn]")?.dataset.turn || 0);

// Days and languages in the reader's own way of writing them.
const languageNames = new Intl.DisplayNames(undefined, { type: "language" });
window.datelineLanguage = (code) => {
  try { return languageNames.of(code); } catch { return code; }
};
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeZone: "UTC" });
function localise() {
  element.querySelectorAll("time[datetime]").forEach((time) => {
    const day = new Date(`${time.getAttribute("datetime")}T00:00:00Z`);
    if (!Number.isNaN(day.getTime())) time.textContent = dayFormat.format(day);
  });
  element.querySelectorAll("[data-language]").forEach((code) => {
    code.textContent = window.datelineLanguage(code.dataset.language);
    const button = code.closest("button");
    button?.setAttribute("aria-label", `Ask again without: in ${code.textContent}`);
  });
}

function openSource(n) {
  const panel = document.getElementById("sources");
  const mark = panel.querySelector(`[data-n~="${n}"]`);
  const source = panel.querySelector(`[data-source~="${n}"]`);
  if (!source) return;
  panel.querySelectorAll(".open").forEach((old) => old.classList.remove("open"));
  panel.querySelectorAll(`[data-n~="${n}"]`).forEach((piece) => piece.classList.add("open"));
  source.classList.add("open");
  source.focus({ preventScroll: true });
  go(mark || source, "center");
}

function edit(button) {
  const turn = turnOf(button);
  const head = element.querySelector(`#turn-${turn} .asked`);
  if (!head || head.hidden) return;
  const form = document.createElement("form");
  form.className = "editing";
  const area = document.createElement("textarea");
  area.value = button.dataset.text;
  area.dir = "auto";
  area.rows = 2;
  area.setAttribute("aria-label", "The question, to be changed");
  const send = document.createElement("button");
  send.textContent = "Ask again";
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "plain";
  cancel.textContent = "Cancel";
  const done = () => { form.remove(); head.hidden = false; };
  cancel.addEventListener("click", done);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") done();
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); form.requestSubmit(); }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const question = area.value.trim();
    done();
    if (question) trigger("redo", { turn, question });
  });
  form.append(area, send, cancel);
  head.hidden = true;
  head.after(form);
  area.focus();
}

const actions = {
  stop: () => trigger("stop", {}),
  retry: (button) => trigger("redo", { turn: turnOf(button) }),
  without: (button) => trigger("redo", { turn: turnOf(button), without: button.dataset.what }),
  edit,
  copy: (button) => trigger("take", { turn: turnOf(button), format: "copy" }),
  save: (button) => {
    button.closest("details").open = false;
    trigger("take", { turn: turnOf(button), format: button.dataset.format });
  },
  link: async (button) => {
    const address = window.location.origin + window.location.pathname + button.dataset.link;
    await window.datelineCopy(address);
    button.textContent = "Link copied";
  },
  rate: (button) => {
    if (button.dataset.good) trigger("rate", { turn: turnOf(button), good: true });
    else {
      const form = button.closest(".turn").querySelector("form.why");
      form.hidden = false;
      form.querySelector("select").focus();
    }
  },
  unsaid: (button) => { button.closest("form").hidden = true; },
};

// A citation's card stays inside its column, which would cut it off.
function place(ref) {
  const card = ref?.querySelector(".card");
  if (!card) return;
  card.style.translate = "";
  card.classList.remove("above");
  const column = (document.getElementById("reading") || document.body).getBoundingClientRect();
  const edges = { left: Math.max(column.left, 0) + 8, right: Math.min(column.right, window.innerWidth) - 8 };
  const box = card.getBoundingClientRect();
  const left = Math.max(Math.min(box.left, edges.right - box.width), edges.left);
  card.style.translate = `${left - box.left}px`;
  const bottom = Math.min(column.bottom, window.innerHeight);
  const above = ref.getBoundingClientRect().top - Math.max(column.top, 0);
  card.classList.toggle("above", box.bottom > bottom && above > box.height);
}
for (const event of ["pointerover", "focusin"]) {
  element.addEventListener(event, ({ target }) => place(target.closest?.(".ref")));
}

element.addEventListener("click", (event) => {
  const cite = event.target.closest("a.cite");
  if (cite) {
    event.preventDefault();
    const { turn, n } = cite.dataset;
    const { turn: shown, kind } = document.getElementById("sources").dataset;
    if (shown === turn && kind === "sources") openSource(n);
    else trigger("open", { turn: Number(turn), n: Number(n) });
  }
  const back = event.target.closest(".back a");
  if (back) {
    event.preventDefault();
    const turn = document.querySelector(back.getAttribute("href"));
    if (turn) {
      go(turn, "start");
      turn.querySelector("a.cite")?.focus({ preventScroll: true });
    }
  }
  const example = event.target.closest("button[data-ask]");
  const ready = !document.querySelector("#question textarea")?.disabled; // what was open is there again
  if (example && ready) trigger("pick", { question: example.dataset.ask });
  const view = event.target.closest("button[data-view]");
  if (view) trigger("view", { turn: turnOf(view), view: view.dataset.view });
  const dated = event.target.closest("button[data-open]");
  if (dated) trigger("open", { turn: turnOf(dated), n: Number(dated.dataset.open), of: "timeline" });
  const button = event.target.closest("button[data-do]");
  if (button) actions[button.dataset.do]?.(button);
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (!form.matches("form.why")) return;
  form.hidden = true;
  const { reason, expected } = form.elements;
  trigger("rate", { turn: turnOf(form), good: false, reason: reason.value, expected: expected.value });
});

let last = "";
localise();
watch("value", () => {
  localise();
  const focus = element.querySelector("#sources")?.dataset.focus;
  if (focus && focus !== "0") openSource(focus);
  const turn = element.closest("#current") && element.querySelector(".turn");
  if (turn && turn.id !== last) {
    last = turn.id;
    go(turn, "start");
  }
});
