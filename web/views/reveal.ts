// Brings a part of a dialog to where it is seen. scrollIntoView would move the dialog's own frame as well.

/** Scrolls the dialog's body, and nothing around it, unless the part begins in its upper half already. */
export function reveal(part: HTMLElement | null): void {
  const body = part?.closest('.body')
  if (part === null || !body) return
  const below = part.getBoundingClientRect().top - body.getBoundingClientRect().top
  if (below < 0 || below > body.clientHeight / 2) body.scrollTop += below
}
