// A notebook's widget: the studio's page in a frame of its own, whose messages go to the kernel and back.

export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.title = "chainrule studio";
    // The page reaches nothing of the notebook: it has an origin of its own.
    frame.setAttribute("sandbox", "allow-scripts allow-downloads");
    frame.setAttribute("allow", "clipboard-write");
    Object.assign(frame.style, { display: "block", width: "100%", height: `${model.get("height")}px`, border: "0" });
    const fromPage = (event) => {
      if (event.source === frame.contentWindow && event.data?.chainrule === 1) model.send(event.data);
    };
    const toPage = (message) => frame.contentWindow?.postMessage(message, "*");
    addEventListener("message", fromPage);
    model.on("msg:custom", toPage);
    frame.srcdoc = model.get("page");
    el.append(frame);
    // The picture beside it is for a notebook that is read without a kernel.
    const still = () => document.getElementById(model.get("still"))?.setAttribute("hidden", "");
    still();
    requestAnimationFrame(still);
    return () => {
      removeEventListener("message", fromPage);
      model.off("msg:custom", toPage);
    };
  },
};
