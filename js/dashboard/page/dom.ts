// Elements. Text goes in as text, and nothing else goes in.

export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...inside: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name)
  if (className !== '') made.className = className
  made.append(...inside)
  return made
}

/** Sets the text of an element where it is another one: what stays the same is not drawn anew. */
export function setText(of: HTMLElement, text: string): void {
  if (of.textContent !== text) of.textContent = text
}
