// The log's scrolling: which rows are drawn (rows.ts), and that the reader stays where he is, whatever grows, wraps anew,
// comes in above or takes room: at the newest if he is there.
import type { RefObject } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Message } from '../model.ts'
import { type Place, Rows, type Span } from '../rows.ts'

const NEAR_PX = 80
/** so many views before the first row that is here, older ones are asked for */
const AHEAD = 2

interface Reader {
  readonly rows: Rows
  place: Place
  /** width and height of the log when it was last put right */
  size: string
  /** px in sight */
  view: number
  /** of the newest message */
  last: string | undefined
  /** to be brought to the middle, and the focus with it */
  target: string | null
}

export interface LogPlace {
  readonly log: RefObject<HTMLDivElement | null>
  /** what the rows stand in, one child for each */
  readonly list: RefObject<HTMLDivElement | null>
  readonly span: Span
  /** px of what is not drawn */
  readonly above: number
  readonly below: number
  /** index of the lowest row in view, more or less */
  readonly lowest: number
  readonly atEnd: boolean
  /** something came that the reader has not come to */
  readonly unread: boolean
  onScroll(): void
  toEnd(): void
  reveal(id: string): void
  /** the reader comes to the first row that is here, or to the last */
  nearTop(): boolean
  nearBottom(): boolean
}

const sizeOf = (log: HTMLElement): string => `${log.clientWidth} ${log.clientHeight}`

/** `goesOn`: the last row that is here is not the newest, and nobody stays with it. */
export function usePlace(
  messages: readonly Message[],
  hasOlder: boolean,
  goesOn: boolean,
): LogPlace {
  const log = useRef<HTMLDivElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const [reader] = useState(newReader)
  const [unread, setUnread] = useState(false)
  const [atEnd, setAtEnd] = useState(true)
  const [drawing, setDrawing] = useState(0)
  const { rows } = reader
  follow(reader, messages, goesOn)
  const span = rows.span(reader.place, reader.view)
  const drawn = useRef(span)
  drawn.current = span
  const draw = (): void => setDrawing((count) => count + 1)
  const hadFocus = log.current?.contains(document.activeElement)

  useLayoutEffect(() => {
    if (reader.last !== undefined && reader.place !== null && !goesOn) setUnread(true)
  }, [reader.last])
  useLayoutEffect(() => {
    if (log.current === null || list.current === null) return
    settle(reader, drawn.current, log.current, list.current, goesOn)
    setAtEnd(reader.place === null)
    if (reader.place === null) setUnread(false)
    // A row with the focus that was scrolled far away is gone; then the log itself has it.
    if (hadFocus && document.activeElement === document.body)
      log.current.focus({ preventScroll: true })
  }, [messages, hasOlder, span.from, span.to, drawing])
  useSizes(log, list, () => {
    if (log.current === null || list.current === null) return
    settle(reader, drawn.current, log.current, list.current, goesOn)
    // Not in here: rows that come while sizes are told would be told of too late.
    if (!same(rows.span(reader.place, reader.view), drawn.current)) requestAnimationFrame(draw)
  })

  const onScroll = (): void => {
    // A log that just changed its size was not moved by its reader; the observer puts it right.
    if (log.current === null || list.current === null || sizeOf(log.current) !== reader.size) return
    reader.place = placeIn(reader, log.current, list.current, goesOn)
    setAtEnd(reader.place === null)
    if (reader.place === null) setUnread(false)
    if (!same(rows.span(reader.place, reader.view), drawn.current)) draw()
  }
  const toEnd = (): void => {
    reader.place = null
    reader.target = null
    draw()
  }
  // Always the same one, so that no row is drawn anew for it.
  const [reveal] = useState(() => (id: string): void => {
    if (rows.indexOf(id) < 0) return
    reader.place = { id, above: 0 }
    reader.target = id
    draw()
  })
  const nearTop = (): boolean =>
    log.current !== null && log.current.scrollTop < AHEAD * log.current.clientHeight
  const nearBottom = (): boolean =>
    log.current !== null && toBottom(log.current) < AHEAD * log.current.clientHeight
  return {
    ...{ log, list, span, above: rows.offset(span.from) },
    below: rows.height - rows.offset(span.to),
    lowest: rows.lowest(reader.place, reader.view),
    ...{ atEnd, unread, onScroll, toEnd, reveal, nearTop, nearBottom },
  }
}

const newReader = (): Reader => ({
  rows: new Rows(),
  place: null,
  size: '',
  view: innerHeight,
  last: undefined,
  target: null,
})

const same = (a: Span, b: Span): boolean => a.from === b.from && a.to === b.to

/** Who writes wants to see it, wherever they had scrolled to. */
function follow(reader: Reader, messages: readonly Message[], goesOn: boolean): void {
  const [first, last] = [messages[0], messages.at(-1)]
  reader.rows.follow(messages)
  if (goesOn) reader.place ??= first === undefined ? null : { id: first.id, above: 0 }
  else if (last?.mine && last.id !== reader.last) reader.place = null
  reader.last = last?.id
}

/** Takes the heights of what is drawn, and puts the view where its reader is. */
function settle(
  reader: Reader,
  span: Span,
  log: HTMLElement,
  list: HTMLElement,
  goesOn: boolean,
): void {
  const { rows, target } = reader
  reader.size = sizeOf(log)
  reader.view = log.clientHeight
  rows.measure(
    span.from,
    [...list.children].map((row) => row.getBoundingClientRect().height),
  )
  const away = awayFrom(reader, log, list)
  if (away === null) log.scrollTop = log.scrollHeight
  // Setting it anew, even to the same, would stop a finger's fling.
  else if (Math.abs(away) > 0.5) log.scrollTop += away
  if (target === null) return
  reader.target = null
  bring(rowOf(list, target))
  reader.place = placeIn(reader, log, list, goesOn)
}

/** px from the top of the list to the upper edge of the view */
const scrolledInto = (log: HTMLElement, list: HTMLElement): number =>
  log.getBoundingClientRect().top - list.getBoundingClientRect().top

/** px that the view has to be moved down by; null: to the end */
function awayFrom({ rows, place }: Reader, log: HTMLElement, list: HTMLElement): number | null {
  if (place === null) return null
  const row = rowOf(list, place.id)?.getBoundingClientRect()
  if (row !== undefined) return row.top + place.above * row.height - log.getBoundingClientRect().top
  const top = rows.topOf(place)
  return top === null ? null : top - scrolledInto(log, list)
}

const toBottom = (log: HTMLElement): number => log.scrollHeight - log.scrollTop - log.clientHeight

function placeIn({ rows }: Reader, log: HTMLElement, list: HTMLElement, goesOn: boolean): Place {
  if (!goesOn && toBottom(log) < NEAR_PX) return null
  const place = rows.placeAt(scrolledInto(log, list))
  const row = place && rowOf(list, place.id)?.getBoundingClientRect()
  if (!row) return place
  // Of the message itself: what stands before it wraps otherwise.
  return { id: place.id, above: (log.getBoundingClientRect().top - row.top) / row.height }
}

const rowOf = (list: HTMLElement, id: string): HTMLElement | null =>
  list.querySelector(`[data-id="${CSS.escape(id)}"]`)

function bring(row: HTMLElement | null): void {
  row?.scrollIntoView({ block: 'center' })
  row?.setAttribute('tabindex', '-1')
  row?.focus({ preventScroll: true })
}

/** Tells when the log or a row that is drawn has changed its size: a phone's keyboard, a picture that came. */
function useSizes(
  log: RefObject<HTMLDivElement | null>,
  list: RefObject<HTMLDivElement | null>,
  onChange: () => void,
): void {
  const told = useRef(onChange)
  told.current = onChange
  const observer = useRef<ResizeObserver>(null)
  const observed = useRef(new Set<Element>())
  useLayoutEffect(() => {
    observer.current = new ResizeObserver(() => told.current())
    if (log.current !== null) observer.current.observe(log.current)
    return () => observer.current?.disconnect()
  }, [])
  useLayoutEffect(() => {
    const now = new Set<Element>(list.current?.children)
    for (const row of observed.current) if (!now.has(row)) observer.current?.unobserve(row)
    for (const row of now) if (!observed.current.has(row)) observer.current?.observe(row)
    observed.current = now
  })
}
