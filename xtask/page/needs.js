// What the app needs of a browser, and what to do where that is missing, in words for players.

const OTHER = "Open this link in a current Chrome, Edge or Firefox, or on another device.";

/** What is missing without which `title` can't run, ready to be shown; `null` if nothing is. */
export function lacking(title) {
    if (!hasWebAssembly()) {
        return {
            title: `${title} can't run in this browser`,
            words: "It needs WebAssembly, which this browser lacks or has switched off.",
            advice: [
                "Update the browser.",
                "On an iPhone or iPad in Lockdown Mode, switch that off for this page.",
                OTHER,
            ],
            error: "WebAssembly is missing",
        };
    }
    if (!hasWebGl2()) {
        return {
            title: `${title} can't draw in this browser`,
            words: "It draws with WebGL 2, which this browser lacks or has switched off.",
            advice: [
                "Switch on hardware acceleration (or “graphics acceleration”) in the browser's settings, and restart it.",
                "Update the browser and the graphics driver.",
                OTHER,
            ],
            error: "no WebGL 2 context",
        };
    }
    return null;
}

/** Whether others can be reached; without, the app still runs. */
export function canConnect() {
    try {
        new RTCPeerConnection().close();
        return true;
    } catch (_) {
        return false;
    }
}

function hasWebAssembly() {
    return typeof WebAssembly === "object" && typeof WebAssembly.instantiateStreaming === "function";
}

/** A canvas of its own: the app's must have no context when the app comes. */
function hasWebGl2() {
    const context = document.createElement("canvas").getContext("webgl2");
    // Browsers allow few contexts at once: this one is given back.
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context !== null;
}
