// The searchbox above the rooms. What it finds stands in their place while there is something in it; loaded with the first
// touch, as most visits search nothing.
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { ViewProps } from './App.tsx'
import type { Results as ResultsView } from './Results.tsx'

interface SearchProps extends ViewProps {
  /** a result was chosen */
  readonly onPick: () => void
  /** what else is there */
  readonly children: ComponentChildren
}

export function Search({ state, engine, onPick, children }: SearchProps) {
  const [query, setQuery] = useState('')
  const [View, setView] = useState<typeof ResultsView | null>(null)
  const [isMissing, setMissing] = useState(false)
  const box = useRef<HTMLInputElement>(null)
  const load = (): void => {
    if (View !== null) return
    void import('./Results.tsx').then(
      ({ Results }) => setView(() => Results),
      () => setMissing(true),
    )
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return
    if (event.key === 'Escape' && query !== '') {
      event.preventDefault()
      event.stopPropagation()
      setQuery('')
    }
    const first = document.querySelector<HTMLElement>('.hits button')
    if ((event.key !== 'ArrowDown' && event.key !== 'Enter') || first === null) return
    event.preventDefault()
    first.focus()
  }
  const isAsking = query.trim() !== ''
  return (
    <>
      <div class="search">
        <input
          type="search"
          ref={box}
          aria-label={t.search.search}
          placeholder={t.search.search}
          enterkeyhint="search"
          autocomplete="off"
          value={query}
          onFocus={load}
          onInput={({ currentTarget: { value } }) => setQuery(value)}
          onKeyDown={onKeyDown}
        />
      </div>
      {isAsking && isMissing && <p class="search-note">{t.search.missing}</p>}
      {isAsking && View !== null && (
        <View
          query={query}
          state={state}
          engine={engine}
          onPick={onPick}
          onBack={() => box.current?.focus()}
        />
      )}
      {/* Kept, so that lists keep their place. */}
      <div hidden={isAsking}>{children}</div>
    </>
  )
}
