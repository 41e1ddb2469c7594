// Which build of the page this is, and the bar that offers a newer one. The page never reloads by itself.
import { t } from '../language.ts'
import type { PageVersion, Version } from '../version.ts'
import { Marked } from './Marked.tsx'

/** What a person can compare by eye. */
const short = (build: string): string => build.slice(0, 12)

/** The region stands always, so that a screen reader hears of what comes into it. */
export function NewerPage({ version }: { version: Pick<PageVersion, 'value' | 'use'> }) {
  const { newer } = version.value
  return (
    <div aria-live="polite">
      {newer !== null && (
        <p class="banner newer">
          <span>
            {t.version.newer} <span class="mono">{short(newer)}</span>
          </span>
          <button type="button" class="quiet small" onClick={() => version.use()}>
            {t.version.use}
          </button>
        </p>
      )}
    </div>
  )
}

export function PageBuild({ version: { build } }: { version: Version }) {
  return (
    <>
      <h3>{t.version.title}</h3>
      {build === null ? (
        <p class="lead">{t.version.unknown}</p>
      ) : (
        <>
          <p class="build">
            {t.version.build} <strong class="mono">{short(build)}</strong>
            <small class="mono">{build}</small>
          </p>
          <p class="lead">
            <Marked text={t.version.compare} />
          </p>
        </>
      )}
    </>
  )
}
