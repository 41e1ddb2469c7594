// A voice note: the microphone, recorded by the browser until it is stopped. The browser asks the person first.
export interface Recording {
  /** Resolves with the sound and how long it is. */
  stop(): Promise<{ readonly sound: File; readonly durationMs: number }>
  /** Nothing of it stays. */
  discard(): void
}

export const canRecord = (): boolean =>
  typeof MediaRecorder === 'function' && navigator.mediaDevices !== undefined

/** Rejects where the person or the browser says no. */
export async function record(): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true })
  const recorder = new MediaRecorder(stream)
  const parts: Blob[] = []
  const startedMs = performance.now()
  const ended = new Promise<void>((resolve) => {
    recorder.onstop = () => resolve()
  })
  recorder.ondataavailable = ({ data }) => parts.push(data)
  recorder.start()
  const end = async (): Promise<void> => {
    if (recorder.state !== 'inactive') recorder.stop()
    await ended
    for (const track of stream.getTracks()) track.stop()
  }
  return {
    async stop() {
      const durationMs = Math.round(performance.now() - startedMs)
      await end()
      const type = recorder.mimeType.split(';')[0] ?? ''
      const ending = type.split('/')[1] ?? 'sound'
      return { sound: new File(parts, `voice-note.${ending}`, { type }), durationMs }
    },
    discard: () => void end(),
  }
}
