// Where the reader of the log is, so that he stays there whatever grows, wraps anew or takes room from it.

const NEAR_PX = 80

/** `null`: at the end. Else the first message in view, and which share of it lies above the upper edge. */
export type Place = { readonly id: string; readonly above: number } | null

export function placeIn(log: HTMLElement): Place {
  if (log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX) return null
  const edge = log.getBoundingClientRect().top
  for (const row of log.querySelectorAll<HTMLElement>('[data-id]')) {
    const { top, bottom, height } = row.getBoundingClientRect()
    if (bottom > edge) return { id: row.dataset.id ?? '', above: (edge - top) / height }
  }
  return null
}

export function goTo(log: HTMLElement, place: Place): void {
  if (place === null) {
    log.scrollTop = log.scrollHeight
    return
  }
  const row = log.querySelector(`[data-id="${CSS.escape(place.id)}"]`)
  if (row === null) return
  const { top, height } = row.getBoundingClientRect()
  const away = top + place.above * height - log.getBoundingClientRect().top
  // Setting it anew, even to the same, would stop a finger's fling.
  if (Math.abs(away) > 0.5) log.scrollTop += away
}

export const nearTop = (log: HTMLElement): boolean => log.scrollTop < NEAR_PX
