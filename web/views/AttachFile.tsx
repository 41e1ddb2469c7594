// How a file comes into a conversation: chosen by button, or spoken. Pasting is in Composer, dropping in RecordFile.
import { useEffect, useRef, useState } from 'preact/hooks'
import { t } from '../language.ts'
import type { Engine } from '../model.ts'
import { canRecord, type Recording, record } from '../voice.ts'
import { Clip, Cross, Mic, Stop } from './icons.tsx'

interface Props {
  readonly engine: Engine
  readonly replyTo: string | null
  readonly onSent: () => void
}

export function AttachFile({ engine, replyTo, onSent }: Props) {
  const input = useRef<HTMLInputElement>(null)
  const take = (): void => {
    const chosen = [...(input.current?.files ?? [])]
    if (input.current !== null) input.current.value = ''
    if (chosen.length === 0) return
    engine.files.send(chosen, '', replyTo)
    onSent()
  }
  return (
    <>
      <input ref={input} type="file" multiple hidden onChange={take} />
      <button
        type="button"
        class="icon"
        aria-label={t.composer.attach}
        onClick={() => input.current?.click()}
      >
        <Clip />
      </button>
    </>
  )
}

/** While it records, its two ends stand in place of the button. */
export function VoiceNote({ engine, replyTo, onSent }: Props) {
  const [recording, setRecording] = useState<Recording | null>(null)
  const [isRefused, setRefused] = useState(false)
  // Whoever leaves the room while recording has not sent it.
  useEffect(() => () => recording?.discard(), [recording])
  if (!canRecord()) return null
  const begin = (): void =>
    void record().then(
      (begun) => {
        setRefused(false)
        setRecording(begun)
      },
      () => setRefused(true),
    )
  const send = async (): Promise<void> => {
    const note = await recording?.stop()
    setRecording(null)
    if (note === undefined) return
    engine.files.voice(note.sound, note.durationMs, replyTo)
    onSent()
  }
  if (recording === null)
    return (
      <>
        <button type="button" class="icon" aria-label={t.attachment.record} onClick={begin}>
          <Mic />
        </button>
        <p class="problem" role="status">
          {isRefused ? t.attachment.refused : ''}
        </p>
      </>
    )
  return (
    <>
      <span class="recording" role="status">
        {t.attachment.recording}
      </span>
      <button
        type="button"
        class="icon"
        aria-label={t.attachment.discard}
        onClick={() => setRecording(null)}
      >
        <Cross />
      </button>
      <button type="button" class="icon" aria-label={t.attachment.stop} onClick={() => void send()}>
        <Stop />
      </button>
    </>
  )
}
