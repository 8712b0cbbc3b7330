// Sends the pasted sample to this service, and shows its answer: the figure as an image, the estimates as a table.
// What comes from the sample enters the page as text only, never as HTML.

const byId = (id) => document.getElementById(id);
const form = byId("form"), csv = byId("csv"), resource = byId("resource"), unit = byId("unit");
const message = byId("message"), result = byId("result"), image = byId("figure"), save = byId("save");

const CODINGS = {
  "survival": ["event", "An event is 1, a censoring 0."],
  "competing-risks": ["cause", "A cause is a name, a censoring is empty."],
};
const FIGURE_WIDTHS = [320, 800]; // px, the least that the service draws and the most that reads well
const NO_ANSWER = { title: "The service did not answer", detail: "Is it still running?", errors: [] };

let sending = new AbortController();

form.hidden = false;
resource.addEventListener("change", describeColumns);
byId("fill").addEventListener("click", fillIn);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  analyse();
});
describeColumns(); // a browser may have kept a choice

function describeColumns() {
  [byId("outcome").textContent, byId("coding").textContent] = CODINGS[resource.value];
}

async function fillIn() {
  const answer = await fetch(`example/${resource.value}.csv`);
  csv.value = await answer.text();
  unit.value = answer.headers.get("Time-Unit");
  csv.setSelectionRange(0, 0);
  csv.scrollTop = 0;
  csv.focus();
}

async function analyse() {
  sending.abort();
  sending = new AbortController();
  const { signal } = sending, asked = resource.value;
  say("Computing …");
  result.hidden = true;
  let answers;
  try {
    answers = await Promise.all([ask(asked, "application/json", signal), ask(asked, "image/svg+xml", signal)]);
  } catch (error) {
    if (!signal.aborted) refuse(error.problem ?? NO_ANSWER);
    return;
  }
  show(asked, JSON.parse(answers[0]), answers[1]);
}

async function ask(asked, accept, signal) {
  const width = Math.min(Math.max(form.clientWidth, FIGURE_WIDTHS[0]), FIGURE_WIDTHS[1]);
  const options = JSON.stringify({ time_unit: unit.value, curve: "none", figure: { width } });
  const answer = await fetch(`v1/${asked}?${new URLSearchParams({ options })}`, {
    method: "POST",
    headers: { "Content-Type": "text/csv", "Accept": accept },
    body: csv.value,
    signal,
  });
  if (!answer.ok) throw Object.assign(new Error(), { problem: await answer.json() });
  return answer.text();
}

function say(text) {
  message.className = "";
  csv.removeAttribute("aria-invalid");
  message.replaceChildren(element("p", text));
}

function refuse(problem) {
  say("");
  message.className = "fault";
  const faults = problem.errors.map(({ pointer, detail }) =>
    element("li", element("code", placeOf(pointer)), ` ${detail}`));
  const more = problem.errors_total - problem.errors.length;
  if (more > 0) faults.push(element("li", `and ${more} more`));
  if (faults.length) csv.setAttribute("aria-invalid", "true");
  // Where faults are listed, the problem's own words are about requests, and say nothing that the list does not.
  const [title, detail] = faults.length
    ? ["The sample cannot be analysed.", "Rows are counted below the header."]
    : [`${problem.title}.`, problem.detail];
  message.replaceChildren(element("p", element("strong", title), " ", detail), element("ul", ...faults));
}

// The JSON pointers of a table's faults lead to a column, or to an item of it, which is a row.
function placeOf(pointer) {
  const [, , column, row] = pointer.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (!pointer) return "The table";
  if (column === undefined || !pointer.startsWith("/subjects/")) return pointer;
  return row === undefined ? `Column ${column}` : `Row ${Number(row) + 1}, ${column}`;
}

function show(asked, answer, svg) {
  const { meta } = answer, survival = asked === "survival";
  const level = Math.round(1000 * meta.confidence_level) / 10;
  byId("heading").textContent = survival ? "Survival" : "Cumulative incidence";
  showFigure(svg, `${asked}.svg`);
  byId("caption").textContent = `Time to ${survival ? "the event" : "an event of the cause"}, in ${meta.time_unit}`;
  fillTable(
    ["Group", ...(survival ? [] : ["Cause"]), "Events / subjects", `Median (${level} % CI)`],
    survival ? survivalRows(answer) : causeRows(answer),
  );
  const tests = survival ? survivalTests(answer) : causeTests(answer);
  byId("tests").replaceChildren(...tests.map((test) => element("li", test)));
  byId("notes").replaceChildren(...meta.warnings.map((warning) => element("p", warning.detail)));
  say(`Done: ${count(meta.subjects_used)} subjects. Figure and table follow.`);
  result.hidden = false;
}

function showFigure(svg, name) {
  // As an image, an SVG runs nothing. Its own title and description are what a screen reader says.
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  // The rest has inline styles, which the page's own policy refuses even where they are only read.
  const head = new DOMParser().parseFromString(`${svg.split("</desc>", 1)[0]}</desc></svg>`, "image/svg+xml");
  image.alt = ["title", "desc"].map((name) => head.querySelector(name).textContent).join(". ");
  save.href = image.src;
  save.download = name;
}

function fillTable(names, rows) {
  const heading = (text, scope) => Object.assign(element("th", text), { scope });
  const head = names.map((name) => heading(name, "col"));
  const body = rows.map(([first, ...others]) =>
    element("tr", heading(first, "row"), ...others.map((text) => element("td", text))));
  document.querySelector("thead").replaceChildren(element("tr", ...head));
  document.querySelector("tbody").replaceChildren(...body);
}

const survivalRows = ({ groups, overall }) => [...groups, { ...overall, label: "All" }].map((group) => [
  group.label, `${count(group.events)} / ${count(group.subjects)}`, interval(group.median),
]);

const causeRows = ({ groups }) => groups.flatMap(({ label, subjects, causes }) => causes.map((cause) => [
  label, cause.cause, `${count(cause.events)} / ${count(subjects)}`, interval(cause.median),
]));

const survivalTests = ({ comparison }) => (comparison?.tests ?? []).map((test) =>
  `${test.name[0].toUpperCase()}${test.name.slice(1)} test: ${pValue(test)}`);

const causeTests = ({ comparison }) => (comparison ?? []).map((test) => `Gray's test, ${test.cause}: ${pValue(test)}`);

function interval({ estimate, lower, upper }) {
  if (estimate === null) return "not reached";
  if (lower === null) return `${significant(estimate)} (not estimable)`;
  return `${significant(estimate)} (${significant(lower)} to ${upper === null ? "not reached" : significant(upper)})`;
}

const pValue = ({ p_value: p }) => (p === null ? "not estimable" : p < 0.001 ? "P < 0.001" : `P = ${p.toFixed(3)}`);

const count = (subjects) => (Number.isInteger(subjects) ? String(subjects) : subjects.toFixed(1));

// Three significant digits, whole ones in full, as in the figure.
const significant = (value) => String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}
