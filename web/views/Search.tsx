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
  // With nothing in the box it finds all files.
  const [onlyFiles, setOnlyFiles] = useState(false)
  const box = useRef<HTMLInputElement>(null)
  const isAsking = query.trim() !== '' || onlyFiles
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return
    if (event.key === 'Escape' && (query !== '' || onlyFiles)) {
      event.preventDefault()
      event.stopPropagation()
      setQuery('')
      setOnlyFiles(false)
    }
    const first = document.querySelector<HTMLElement>('.hits button')
    if ((event.key !== 'ArrowDown' && event.key !== 'Enter') || first === null) return
    event.preventDefault()
    first.focus()
  }
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
              onlyFiles={onlyFiles}
              onOnlyFiles={setOnlyFiles}
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
