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
  const [problem, setProblem] = useState('')
  const seconds = useSeconds(recording !== null)
  // Whoever leaves the room while recording has not sent it.
  useEffect(() => () => recording?.discard(), [recording])
  if (!canRecord()) return null
  const begin = (): void =>
    void record().then(
      (begun) => {
        setProblem('')
        setRecording(begun)
      },
      () => setProblem(t.attachment.refused),
    )
  const send = async (): Promise<void> => {
    const note = await recording?.stop()
    setRecording(null)
    if (note === undefined) return
    if (note.sound.size === 0) return setProblem(t.attachment.tooShort)
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
          {problem}
        </p>
      </>
    )
  return (
    <>
      <span class="recording" role="status">
        {t.attachment.recording}
      </span>
      {/* Seen, and not read aloud every second. */}
      <span class="recording" role="timer">
        {clockOf(seconds)}
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

const clockOf = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

/** Whole seconds since `isRunning` became true. */
function useSeconds(isRunning: boolean): number {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    setSeconds(0)
    if (!isRunning) return
    const startMs = performance.now()
    const tick = (): void => setSeconds(Math.floor((performance.now() - startMs) / 1000))
    const timer = setInterval(tick, 250)
    return () => clearInterval(timer)
  }, [isRunning])
  return seconds
}
