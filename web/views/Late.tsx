// What a part of the page that is not here yet leaves to show.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Part } from '../part.ts'

interface LateProps<View> {
  readonly part: Part<View>
  /** in its place, as large as it will be */
  readonly waiting: ComponentChildren
  /** if it does not come */
  readonly missing: (retry: () => void) => ComponentChildren
  readonly children: (view: View) => ComponentChildren
}

export function Late<View>({ part, waiting, missing, children }: LateProps<View>) {
  const [isMissing, setMissing] = useState(false)
  const [, draw] = useState({})
  const load = (): void => {
    setMissing(false)
    part.load().then(
      () => draw({}),
      () => setMissing(true),
    )
  }
  useEffect(() => {
    if (part.view === null) load()
  }, [part])
  if (part.view !== null) return <>{children(part.view)}</>
  return <>{isMissing ? missing(load) : waiting}</>
}
