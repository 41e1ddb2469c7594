// The searchbox above the rooms. What it finds stands in their place while there is something in it; loaded after
// the chat, as most visits search nothing.
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import { Alert } from './Alert.tsx'
import type { ViewProps } from './App.tsx'
import { Late } from './Late.tsx'
import { RESULTS } from './parts.ts'

interface SearchProps extends ViewProps {
  /** a result was chosen */
  readonly onPick: () => void
  /** what else is there */
  readonly children: ComponentChildren
}

export function Search({ state, engine, onPick, children }: SearchProps) {
  const [query, setQuery] = useState('')
  const box = useRef<HTMLInputElement>(null)
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
          onInput={({ currentTarget: { value } }) => setQuery(value)}
          onKeyDown={onKeyDown}
        />
      </div>
      {isAsking && (
        <Late part={RESULTS} waiting={<p class="skeleton" aria-hidden="true" />} missing={missing}>
          {(Results) => (
            <Results
              query={query}
              state={state}
              engine={engine}
              onPick={onPick}
              onBack={() => box.current?.focus()}
            />
          )}
        </Late>
      )}
      {/* Kept, so that lists keep their place. */}
      <div hidden={isAsking}>{children}</div>
    </>
  )
}

const missing = (retry: () => void) => <Alert code="page-incomplete" onRetry={retry} />
