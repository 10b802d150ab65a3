// One behaviour for the three parts of the page that we render: what was asked before, the last answer, the sources.
// element, trigger and watch are given by Gradio; trigger("open") and trigger("pick") reach web/page.py.
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const go = (target, block) => target.scrollIntoView({ behavior: calm ? "auto" : "smooth", block });

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

element.addEventListener("click", (event) => {
  const cite = event.target.closest("a.cite");
  if (cite) {
    event.preventDefault();
    const { turn, n } = cite.dataset;
    if (document.getElementById("sources").dataset.turn === turn) openSource(n);
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
  if (example) trigger("pick", { question: example.dataset.ask });
});

let last = "";
watch("value", () => {
  const focus = element.querySelector("#sources")?.dataset.focus;
  if (focus && focus !== "0") openSource(focus);
  const turn = element.closest("#current") && element.querySelector(".turn");
  if (turn && turn.id !== last) {
    last = turn.id;
    go(turn, "start");
  }
});
