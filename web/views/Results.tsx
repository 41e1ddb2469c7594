// What a search finds (SPEC §7.5), newest first: who, where, when, and the words around the match.
import { Fragment } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { toUtf8 } from '../../shared/bytes.ts'
import { QUERY_MAX_BYTES } from '../../shared/constants.ts'
import { type ClawErrorCode, codeOf } from '../../shared/error.ts'
import type { Excerpt } from '../../shared/terms.ts'
import { formatMoment, t } from '../language.ts'
import type { AppState, Engine, Hit, Hits, SearchWish } from '../model.ts'
import { wordsOf } from '../words.ts'
import type { ViewProps } from './App.tsx'

/** Between two keys. */
const PAUSE_MS = 250

interface ResultsProps extends ViewProps {
  readonly query: string
  readonly onlyFiles: boolean
  readonly onOnlyFiles: (onlyFiles: boolean) => void
  readonly onPick: () => void
  /** up from the first result */
  readonly onBack: () => void
}

type Filter = Pick<SearchWish, 'room' | 'author'> & {
  /** as date fields give them: 2026-11-26 or empty */
  readonly since: string
  readonly until: string
}
const ANY: Filter = { room: null, author: null, since: '', until: '' }

export function Results(props: ResultsProps) {
  const { query, onlyFiles, onOnlyFiles, state, engine, onPick, onBack } = props
  const [filter, setFilter] = useState(ANY)
  const wish = wishOf(query, onlyFiles, filter)
  const { hits, isBusy, code, more } = useSearch(wish, state, engine)
  return (
    <section class="results" aria-label={t.search.results}>
      <Filters {...{ filter, state, onlyFiles, onOnlyFiles }} onChange={setFilter} />
      <div aria-live="polite" class="search-note">
        <p>{statusOf(hits, isBusy)}</p>
        {hits?.isKept && <p>{t.search.kept}</p>}
        {code !== null && (
          <p class="problem" role="alert" data-code={code}>
            {wordsOf(code).what} {wordsOf(code).next}
          </p>
        )}
      </div>
      <ul class="hits" onKeyDown={(event) => toNeighbour(event, onBack)}>
        {hits?.hits.map((hit) => (
          <li key={hit.id}>
            <HitButton hit={hit} state={state} engine={engine} onPick={onPick} />
          </li>
        ))}
      </ul>
      {hits?.next != null && (
        <button type="button" class="quiet small" disabled={isBusy} onClick={more}>
          {t.search.more}
        </button>
      )}
    </section>
  )
}

function statusOf(hits: Hits | null, isBusy: boolean): string {
  if (hits === null) return isBusy ? t.search.searching : ''
  const { length } = hits.hits
  if (length === 0) return hits.next === null ? t.search.nothing : t.search.nothingYet
  return hits.next === null ? t.search.found(length) : t.search.foundSoFar(length)
}

/** Searches a moment after the last key, and again when the host comes or goes. */
function useSearch(wish: SearchWish, state: AppState, engine: Engine) {
  const [hits, setHits] = useState<Hits | null>(null)
  const [isBusy, setBusy] = useState(true)
  const [code, setCode] = useState<ClawErrorCode | null>(null)
  const [wanted, setWanted] = useState<{ readonly after: Hits } | null>(null)
  const isConnected = state.connection.state === 'connected'
  // Nor may what is found outlive its message.
  const key = JSON.stringify([wish, isConnected, state.endings])
  const run = (below: Hits | null): (() => void) => {
    let isOver = false
    setBusy(true)
    const show = (found: Hits): void => {
      if (isOver) return
      setHits(below === null ? found : { ...found, hits: [...below.hits, ...found.hits] })
      setCode(null)
    }
    engine.seek
      .search({ ...wish, below: below?.next ?? null })
      .then(show, (error) => isOver || setCode(codeOf(error)))
      .finally(() => isOver || setBusy(false))
    return () => {
      isOver = true
    }
  }
  useEffect(() => {
    setWanted(null)
    let stop = (): void => undefined
    const timer = setTimeout(() => {
      stop = run(null)
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      stop()
    }
  }, [key])
  useEffect(() => (wanted === null ? undefined : run(wanted.after)), [wanted])
  const more = (): void => setWanted(hits === null ? null : { after: hits })
  return { hits, isBusy, code, more }
}

function wishOf(
  query: string,
  onlyFiles: boolean,
  { room, author, since, until }: Filter,
): SearchWish {
  return {
    ...{ query: fitting(query), room, author, onlyFiles, below: null },
    fromMs: dayStart(since, 0),
    toMs: dayStart(until, 1),
  }
}

/** What goes into a SEARCH of it. */
function fitting(query: string): string {
  const characters = [...query.toWellFormed()]
  while (toUtf8(characters.join('')).length > QUERY_MAX_BYTES) characters.pop()
  return characters.join('')
}

/** The first moment of a day here, or of the day so many later; 0 without one. */
export function dayStart(date: string, later: number): number {
  const [year, month, day] = date.split('-').map(Number)
  if (year === undefined || month === undefined || day === undefined) return 0
  return Math.max(0, new Date(year, month - 1, day + later).getTime())
}

function Filters(props: {
  readonly filter: Filter
  readonly state: AppState
  readonly onChange: (filter: Filter) => void
  readonly onlyFiles: boolean
  readonly onOnlyFiles: (onlyFiles: boolean) => void
}) {
  const { filter, state, onChange, onlyFiles, onOnlyFiles } = props
  const change = (change: Partial<Filter>): void => onChange({ ...filter, ...change })
  return (
    <details class="filters">
      <summary>{t.search.filters}</summary>
      <Choice
        name={t.search.room}
        any={t.search.everywhere}
        value={filter.room}
        options={state.rooms}
        onChange={(room) => change({ room })}
      />
      <Choice
        name={t.search.author}
        any={t.search.everybody}
        value={filter.author}
        options={state.members}
        onChange={(author) => change({ author })}
      />
      <label class="choice">
        <input
          type="checkbox"
          checked={onlyFiles}
          onChange={({ currentTarget: { checked } }) => onOnlyFiles(checked)}
        />
        {t.search.onlyFiles}
      </label>
      {(['since', 'until'] as const).map((side) => (
        <label key={side}>
          {t.search[side]}
          <input
            type="date"
            value={filter[side]}
            onInput={({ currentTarget: { value } }) => change({ [side]: value })}
          />
        </label>
      ))}
    </details>
  )
}

function Choice(props: {
  readonly name: string
  readonly any: string
  readonly value: string | null
  readonly options: readonly { readonly id: string; readonly name: string }[]
  readonly onChange: (id: string | null) => void
}) {
  const { name, any, value, options, onChange } = props
  return (
    <label>
      {name}
      <select
        value={value ?? ''}
        onChange={({ currentTarget: { value: id } }) => onChange(id === '' ? null : id)}
      >
        <option value="">{any}</option>
        {options.map((option) => (
          <option key={option.id} value={option.id}>
            {option.name}
          </option>
        ))}
      </select>
    </label>
  )
}

function HitButton({ hit, state, engine, onPick }: ViewProps & { hit: Hit; onPick: () => void }) {
  const room = state.rooms.find(({ id }) => id === hit.room)?.name ?? ''
  const author = state.members.find(({ id }) => id === hit.author)?.name ?? ''
  const pick = (): void => {
    void engine.seek.jumpTo(hit.room, { seq: hit.seq })
    onPick()
  }
  return (
    <button type="button" class="hit" data-id={hit.id} onClick={pick}>
      <span class="hit-head">
        <b>{author}</b> <span>{room}</span>{' '}
        <time dateTime={new Date(hit.atMs).toISOString()}>{formatMoment(hit.atMs)}</time>
      </span>
      <span class="hit-text" dir="auto">
        <Highlighted excerpt={hit.excerpt} />
      </span>
    </button>
  )
}

function Highlighted({ excerpt: { text, ranges } }: { excerpt: Excerpt }) {
  return (
    <>
      {ranges.map(({ start, length }, i) => {
        const before = ranges[i - 1]
        return (
          <Fragment key={start}>
            {text.slice(endOf(before), start)}
            <mark>{text.slice(start, start + length)}</mark>
          </Fragment>
        )
      })}
      {text.slice(endOf(ranges.at(-1)))}
    </>
  )
}

const endOf = (range: Excerpt['ranges'][number] | undefined): number =>
  range === undefined ? 0 : range.start + range.length

/** Arrow keys go from result to result, and up to the searchbox. */
function toNeighbour(
  event: KeyboardEvent & { currentTarget: HTMLElement },
  onBack: () => void,
): void {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
  if (step === undefined) return
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('button')]
  const at = all.indexOf(document.activeElement as HTMLElement)
  event.preventDefault()
  if (at + step < 0) onBack()
  else all[at + step]?.focus()
}
