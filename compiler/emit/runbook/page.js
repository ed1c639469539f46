for (const cmd of document.querySelectorAll(".cmd")) {
  const b = document.createElement("button");
  b.type = "button";
  b.textContent = "Copy";
  b.addEventListener("click", async () => {
    const code = cmd.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      b.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      b.textContent = "Selected";
    }
    setTimeout(() => { b.textContent = "Copy"; }, 2000);
  });
  cmd.append(b);
}
