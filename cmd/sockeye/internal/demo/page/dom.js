// element makes an element with a text. Text is never read as HTML.
export function element(name, className, text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

// follow makes a list that scrolls show its newest element, unless one has scrolled
// back to read. It returns a function that appends, and drops the oldest beyond most:
// dropped is told of them.
export function follow(list, most, dropped = () => {}) {
  let following = true, last = 0;
  const bottom = () => {
    if (following) list.scrollTop = list.scrollHeight;
    last = list.scrollTop;
  };
  list.addEventListener('scroll', () => {
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    // The end may have moved away since the event, but only somebody scrolls up.
    if (atEnd || list.scrollTop < last) following = atEnd;
    last = list.scrollTop;
  });
  new ResizeObserver(bottom).observe(list); // a turned phone wraps lines anew
  return (element) => {
    list.append(element);
    while (list.children.length > most) {
      dropped(list.firstChild);
      list.firstChild.remove();
    }
    bottom();
    // A picture takes its place when it is loaded.
    for (const img of element.querySelectorAll('img')) img.onload = bottom;
  };
}
