// What the server made for the reader to save or to copy.
window.datelineCopy ??= async (text, html) => {
  if (navigator.clipboard && window.isSecureContext) {
    const parts = { "text/plain": new Blob([text], { type: "text/plain" }) };
    if (html) parts["text/html"] = new Blob([html], { type: "text/html" });
    await navigator.clipboard.write([new ClipboardItem(parts)]);
    return;
  }
  const area = document.createElement("textarea"); // a page that is not served over TLS has no clipboard of its own
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
};

watch("value", async () => {
  const { do: what, name, type, text, html } = props.value || {};
  if (what === "copy") await window.datelineCopy(text, html);
  if (what === "save") {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }
});
