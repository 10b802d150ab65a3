// The reader's conversations, kept in this browser: each under a key of its own, so that two tabs do not overwrite each
// other. Which one a tab has open is the tab's own affair (sessionStorage).
const PREFIX = "dateline:";
window.datelineOpened = () => {
  const asked = new URLSearchParams(window.location.search);
  if (asked.get("q")) {
    window.history.replaceState(null, "", window.location.pathname); // reloading does not ask again
    const link = { q: asked.get("q"), since: asked.get("since") || "", until: asked.get("until") || "" };
    const lists = ["outlets", "ignore", "languages", "speakers"].map((name) => [name, asked.getAll(name)]);
    return { link: { ...link, ...Object.fromEntries(lists) } };
  }
  return { talk: session.id ? read(session.id) : null };
};
const MOST = 100;
const list = element.querySelector("ul");

function read(id) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + id));
  } catch {
    return null;
  }
}

function all() {
  const found = [];
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const key = localStorage.key(i);
      if (!key.startsWith(PREFIX)) continue;
      const talk = read(key.slice(PREFIX.length));
      if (talk && typeof talk === "object" && Array.isArray(talk.exchanges)) found.push(talk);
    }
  } catch {
    // A browser that keeps nothing: the conversation lives as long as its tab.
  }
  return found.sort((a, b) => (b.at || 0) - (a.at || 0));
}

function write(talk) {
  const old = all().filter((each) => each.id !== talk.id);
  for (const gone of old.slice(MOST)) localStorage.removeItem(PREFIX + gone.id);
  for (;;) {
    try {
      localStorage.setItem(PREFIX + talk.id, JSON.stringify(talk));
      return;
    } catch {
      const oldest = old.pop(); // no room: the oldest conversation makes some
      if (!oldest) return;
      localStorage.removeItem(PREFIX + oldest.id);
    }
  }
}

const session = {
  get id() { try { return sessionStorage.getItem(PREFIX + "open") || ""; } catch { return ""; } },
  set id(value) { try { sessionStorage.setItem(PREFIX + "open", value); } catch { /* see above */ } },
};

function keep({ id, count, keys, number, exchange }) {
  session.id = id;
  if (!count) return;
  const talk = read(id) || { id, title: "", exchanges: [] };
  const held = new Map(talk.exchanges.map((each) => [each.key, each]));
  const before = read(session.from || "") || { exchanges: [] };
  before.exchanges.forEach((each) => held.has(each.key) || held.set(each.key, each));
  if (exchange) held.set(exchange.key, exchange);
  talk.exchanges = keys.map((key) => held.get(key)).filter(Boolean);
  talk.at = Date.now();
  session.from = id; // where a conversation branches off, what went before comes from here
  write(talk);
}

const titleOf = (talk) => talk.title || talk.exchanges[0]?.question || "Untitled";

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

function open(talk) {
  session.id = talk?.id || "";
  session.from = session.id;
  trigger("reopen", { talk: talk || null });
  draw();
}

function rename(item, talk) {
  const input = document.createElement("input");
  input.value = titleOf(talk);
  input.maxLength = 120;
  input.setAttribute("aria-label", "Name of the conversation");
  let over = false;
  const done = (keepIt) => {
    if (over) return;
    over = true;
    if (keepIt && input.value.trim()) write({ ...read(talk.id), title: input.value.trim() });
    draw();
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") done(true);
    if (event.key === "Escape") done(false);
  });
  input.addEventListener("blur", () => done(true));
  item.replaceChildren(input);
  input.focus();
  input.select();
}

function draw() {
  const now = session.id;
  list.replaceChildren(
    ...all().map((talk) => {
      const item = document.createElement("li");
      const title = titleOf(talk);
      const opener = button(title, "", () => open(talk));
      opener.className = "title";
      opener.dir = "auto";
      opener.title = title;
      if (talk.id === now) opener.setAttribute("aria-current", "true");
      item.append(
        opener,
        button("✎", `Rename: ${title}`, () => rename(item, talk)),
        button("×", `Delete: ${title}`, () => {
          localStorage.removeItem(PREFIX + talk.id);
          if (talk.id === session.id) open(null);
          else draw();
        }),
      );
      return item;
    }),
  );
}

element.querySelector("[data-new]").addEventListener("click", () => open(null));
element.querySelector(".whole select").addEventListener("change", (event) => {
  if (event.target.value) trigger("take", { turn: 0, format: event.target.value });
  event.target.value = "";
});
if (window.matchMedia("(max-width: 1100px)").matches) element.querySelector("details").open = false;
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  document.querySelector("#question textarea")?.focus();
});
window.addEventListener("storage", draw); // another tab kept something
watch("value", () => {
  if (props.value && props.value.id) keep(props.value);
  draw();
});
draw();
