// Which rows of a long log are drawn, and where they stand: heights that were measured or are guessed, their offsets, and
// the place of the reader. Knows no DOM (views/place.ts does).

/** `null`: at the end. Else the first row in view, and which share of it lies above the upper edge. */
export type Place = { readonly id: string; readonly above: number } | null

/** Rows from `from` up to, not including, `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** a log this short is drawn whole */
export const WHOLE = 200
/** rows that are drawn beyond the view, on each side */
export const SPARE = 40
/** spans begin and end at its multiples, so that most scrolling draws nothing */
const STEP = 16
/** px, until something was measured */
const FIRST_GUESS = 56

interface Identified {
  readonly id: string
}

export class Rows {
  #rows: readonly Identified[] = []
  #heights: number[] = []
  #guess = FIRST_GUESS
  /** `#offsets[i]`: px from the top of the list to row i; good for i ≤ `#good` */
  readonly #offsets: number[] = [0]
  #good = 0

  /** The rows as they are now: what stays keeps its height, what is new gets a guess. */
  follow(next: readonly Identified[]): void {
    const rows = this.#rows
    if (next === rows) return
    const shorter = Math.min(rows.length, next.length)
    let head = 0
    while (head < shorter && rows[head]?.id === next[head]?.id) head++
    let tail = 0
    while (tail < shorter - head && rows.at(-1 - tail)?.id === next.at(-1 - tail)?.id) tail++
    const known = new Map<string, number | undefined>()
    for (let i = head; i < rows.length - tail; i++) known.set(rows[i]?.id ?? '', this.#heights[i])
    const changed = next
      .slice(head, next.length - tail)
      .map(({ id }) => known.get(id) ?? this.#guess)
    const heights = this.#heights
    this.#heights = heights.slice(0, head).concat(changed, heights.slice(rows.length - tail))
    this.#rows = next
    this.#good = Math.min(this.#good, head)
  }

  /** Heights in px of rows that are drawn, from row `from` on; what is not there yet is guessed like them. */
  measure(from: number, heights: readonly number[]): void {
    const measured = heights.slice(0, Math.max(0, this.#rows.length - from))
    for (const [i, height] of measured.entries()) {
      if (height === this.#heights[from + i]) continue
      this.#heights[from + i] = height
      this.#good = Math.min(this.#good, from + i)
    }
    if (measured.length > 0)
      this.#guess = measured.reduce((sum, height) => sum + height, 0) / measured.length
  }

  get length(): number {
    return this.#rows.length
  }

  /** px of all rows */
  get height(): number {
    return this.offset(this.#rows.length)
  }

  /** px from the top of the list to row `index`, 0..length */
  offset(index: number): number {
    const offsets = this.#offsets
    for (let i = this.#good; i < index; i++) {
      offsets[i + 1] = (offsets[i] ?? 0) + (this.#heights[i] ?? 0)
    }
    this.#good = Math.max(this.#good, index)
    return offsets[index] ?? 0
  }

  indexOf(id: string): number {
    return this.#rows.findIndex((row) => row.id === id)
  }

  /** The row that covers `top` px from the top of the list; the first or last one beyond its ends. */
  at(top: number): number {
    let low = 0
    let high = this.#rows.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.offset(middle) <= top) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The place of who has scrolled `top` px into the list. */
  placeAt(top: number): Place {
    const index = this.at(top)
    const row = this.#rows[index]
    if (row === undefined) return null
    return { id: row.id, above: (top - this.offset(index)) / (this.#heights[index] || 1) }
  }

  /** Where the upper edge of the view then is, in px from the top of the list; null for a row that is not here. */
  topOf({ id, above }: NonNullable<Place>): number | null {
    const index = this.indexOf(id)
    return index < 0 ? null : this.offset(index) + above * (this.#heights[index] ?? 0)
  }

  /** Index of the lowest row that a reader there sees, with `view` px in sight. */
  lowest(place: Place, view: number): number {
    return this.at(this.#top(place, view) + view)
  }

  #top(place: Place, view: number): number {
    const end = this.height - view
    return Math.min(place === null ? end : (this.topOf(place) ?? end), end)
  }

  /** What is drawn for a reader there, with `view` px in sight. */
  span(place: Place, view: number): Span {
    const { length } = this.#rows
    if (length <= WHOLE) return { from: 0, to: length }
    const top = this.#top(place, view)
    const from = Math.floor((this.at(top) - SPARE) / STEP) * STEP
    const to = Math.ceil((this.at(top + view) + 1 + SPARE) / STEP) * STEP
    return { from: Math.max(0, from), to: Math.min(length, to) }
  }
}
