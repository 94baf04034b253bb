// No failure leaves a blank page: it is told, with what helps and with details for whoever can mend it.

/** Lines of a trace that are shown; the rest repeats itself. */
const TRACE_LINES = 30;

const page = document.body.dataset;
const element = (id) => document.getElementById(id);

let failed = false;
let kept = "";
let panic = "";

/** Notices panics and uncaught errors of the app from now on. */
export function watch() {
    const log = console.error.bind(console);
    // A panic says what happened here alone; what it throws afterwards says no more than "unreachable".
    console.error = (...said) => {
        log(...said);
        const text = said.map(String).join(" ");
        if (!text.includes("panicked at")) return;
        panic ||= text;
        setTimeout(() => crash(text));
    };
    addEventListener("error", ({ error }) => isOfTheApp(error) && crash(error));
    addEventListener("unhandledrejection", ({ reason }) => reason instanceof WebAssembly.RuntimeError && crash(reason));
    element("board").addEventListener("webglcontextlost", blank);
}

/** Errors of extensions are none of ours; one that passes through the module leaves it in pieces. */
function isOfTheApp(error) {
    if (!(error instanceof Error) || error.message.includes("Using exceptions for control flow")) return false;
    return error instanceof WebAssembly.RuntimeError || /wasm-function|wasm:\/\//.test(error.stack ?? "");
}

/** A failure that nobody foresaw. */
export function crash(error) {
    show({
        title: `${page.title} stopped`,
        words: "Something went wrong inside that never should. Reload the page to go on.",
        error,
    });
}

/** The app lives on and its canvas stays empty: a driver that starts again, or a phone short of memory, does that. */
function blank({ statusMessage }) {
    show({
        title: `${page.title} lost its picture`,
        words: "The browser took the graphics away from this page, as it does when the graphics driver restarts or " +
            "memory runs short. Reload the page to go on.",
        error: `the WebGL context is lost ${statusMessage}`,
    });
}

/** What the app itself says before it ends: a title, words that tell people what to do, and details to copy. */
export function fail(title, words = "Reload the page to go on.", detail = words) {
    show({ title, words, error: detail });
}

/** A sentence on what survives a failure, told by the app as long as it is true; none takes it back. */
export function keep(sentence = "") {
    kept = sentence ?? "";
    tellKept();
}

/** Shows a failure over everything else. The first one counts: what follows is its consequence. */
export function show({ title, words, advice = [], error = "" }) {
    if (failed) return;
    failed = true;
    element("failure-title").textContent = title;
    element("failure-words").textContent = words;
    element("failure-advice").replaceChildren(...advice.map(item));
    element("failure-detail").textContent = details(error);
    tellKept();
    element("reload").addEventListener("click", () => location.reload());
    element("copy").addEventListener("click", copy);
    element("notice").hidden = true;
    element("failure").hidden = false;
    element("reload").focus();
}

function tellKept() {
    element("failure-kept").textContent = kept;
    element("failure-kept").hidden = kept === "";
}

function item(text) {
    const line = document.createElement("li");
    line.textContent = text;
    return line;
}

/** Never the whole address: what follows its `#` is the room's secret. */
function details(error) {
    const trace = panic || (error instanceof Error ? `${error}\n${error.stack ?? ""}` : String(error));
    return [
        trace.split("\n").slice(0, TRACE_LINES).join("\n").trim(),
        `${page.title} ${page.version}, ${location.origin}${location.pathname}`,
        navigator.userAgent,
    ].join("\n\n");
}

async function copy() {
    const text = element("failure-detail");
    try {
        await navigator.clipboard.writeText(text.textContent);
    } catch (_) {
        // Pages on plain http have no clipboard; what is selected can be copied anywhere.
        element("failure").querySelector("details").open = true;
        getSelection().selectAllChildren(text);
        document.execCommand("copy");
    }
    element("copy").textContent = "Copied";
}
