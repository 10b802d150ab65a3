// The Quotes tab: its form asks the server, its headings sort what came.
const form = element.querySelector("form");
const found = element.querySelector(".found");
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const wanted = () => Object.fromEntries(new FormData(form));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  trigger("look", wanted());
});
element.querySelector("[data-csv]").addEventListener("click", () => trigger("csv", wanted()));

const key = (row, column) => {
  const cell = row.cells[column];
  return cell.querySelector("time")?.getAttribute("datetime") || cell.textContent;
};
found.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-sort]");
  if (!button) return;
  const head = button.closest("th");
  const column = Number(button.dataset.sort);
  const down = head.getAttribute("aria-sort") === "ascending";
  const body = found.querySelector("tbody");
  const rows = [...body.rows].sort((a, b) => key(a, column).localeCompare(key(b, column)) * (down ? -1 : 1));
  body.replaceChildren(...rows);
  found.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
});

watch("value", () => {
  found.innerHTML = props.value?.html || ""; // made and escaped by web/quotes.py
  found.querySelectorAll("time[datetime]").forEach((time) => {
    time.textContent = dayFormat.format(new Date(`${time.getAttribute("datetime")}T00:00:00Z`));
  });
});
