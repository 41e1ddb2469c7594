// Handing over the host's record as a file: a button with the browser's file chooser, and dropping it anywhere.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { RECORD_BYTES } from '../../shared/constants.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import { t } from '../language.ts'
import type { Engine } from '../model.ts'

/** Where the stores, or what they last said, did not lead to the host. */
export const GOES_BY_FILE: readonly ClawErrorCode[] = [
  'record-missing',
  'record-malformed',
  'record-no-slot',
  'record-forged',
  'record-foreign',
  'record-rollback',
  'record-stale',
  'store-unreachable',
  'store-refused',
  'no-answer',
]

export function RecordFile({
  engine,
  onTaken,
}: {
  engine: Engine
  onTaken?: (() => void) | undefined
}) {
  const input = useRef<HTMLInputElement>(null)
  const take = async (): Promise<void> => {
    const chosen = [...(input.current?.files ?? [])]
    // The same file may be chosen again once it is another.
    if (input.current !== null) input.current.value = ''
    if (chosen.length > 0 && (await engine.handOver(chosen))) onTaken?.()
  }
  return (
    <>
      <input ref={input} type="file" hidden onChange={() => void take()} />
      <button
        type="button"
        class="quiet"
        title={t.file.openWhy}
        onClick={() => input.current?.click()}
      >
        {t.file.open}
      </button>
    </>
  )
}

/** What is dropped on a chat is meant for it, unless it looks like an address file. */
const isRecord = ({ name, size }: File): boolean => name.endsWith('.bin') || size === RECORD_BYTES

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true

/** A file let go over the page: a browser would leave the page to show it. */
export function DropRecord({ engine }: { engine: Engine }) {
  const [over, setOver] = useState(false)
  useEffect(() => {
    const inChat = (): boolean => engine.state.phase === 'chat'
    const onOver = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    }
    // Without a target that is entered next, the pointer has left the window.
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false)
    }
    const onDrop = (event: DragEvent): void => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      const files = [...(event.dataTransfer?.files ?? [])]
      if (inChat() && !files.every(isRecord)) engine.files.send(files)
      else void engine.handOver(files)
    }
    addEventListener('dragover', onOver)
    addEventListener('dragleave', onLeave)
    addEventListener('drop', onDrop)
    return () => {
      removeEventListener('dragover', onOver)
      removeEventListener('dragleave', onLeave)
      removeEventListener('drop', onDrop)
    }
  }, [engine])
  return over ? <DropHere engine={engine} /> : null
}

/** A popover lies above an open dialog too. */
function DropHere({ engine }: { engine: Engine }) {
  const element = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => element.current?.showPopover?.(), [])
  return (
    <div class="drop" popover="manual" ref={element} aria-hidden="true">
      <p>{engine.state.phase === 'chat' ? t.attachment.dropHere : t.file.dropHere}</p>
    </div>
  )
}
