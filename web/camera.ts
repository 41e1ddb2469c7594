// Reads QR codes from the camera: by the browser's own detector where it has one, else by `qr`, loaded when it is wanted.

interface Detector {
  detect(image: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>
}

declare global {
  var BarcodeDetector:
    | ((new (options: {
        formats: string[]
      }) => Detector) & { getSupportedFormats(): Promise<string[]> })
    | undefined
}

/** The texts of the QR codes in view now; none is the usual case. */
type Read = (video: HTMLVideoElement) => Promise<readonly string[]>

async function ownReader(): Promise<Read | null> {
  const Own = globalThis.BarcodeDetector
  const formats: readonly string[] = (await Own?.getSupportedFormats()) ?? []
  if (Own === undefined || !formats.includes('qr_code')) return null
  const detector = new Own({ formats: ['qr_code'] })
  return async (video) => (await detector.detect(video)).map(({ rawValue }) => rawValue)
}

/** Wide enough for a code that fills a third of the picture, small enough for an old phone. */
const MAX_WIDTH = 720

async function loadedReader(): Promise<Read> {
  const { decodeQR } = await import('qr/decode.js')
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  return async (video) => {
    if (context === null || video.videoWidth === 0) return []
    const scale = Math.min(1, MAX_WIDTH / video.videoWidth)
    const width = Math.round(video.videoWidth * scale)
    const height = Math.round(video.videoHeight * scale)
    Object.assign(context.canvas, { width, height })
    context.drawImage(video, 0, 0, width, height)
    const { data } = context.getImageData(0, 0, width, height)
    try {
      return [decodeQR({ width, height, data })]
    } catch {
      // No code in this picture.
      return []
    }
  }
}

const PAUSE_MS = 120

/** Shows the camera in `video` and tells every text that it reads. @throws DOMException: no camera, or not allowed */
export async function watch(
  video: HTMLVideoElement,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })
  const stop = (): void => {
    for (const track of stream.getTracks()) track.stop()
    video.srcObject = null
  }
  if (signal.aborted) return stop()
  signal.addEventListener('abort', stop)
  video.srcObject = stream
  await video.play()
  const read = (await ownReader()) ?? (await loadedReader())
  while (!signal.aborted) {
    for (const text of await read(video)) if (!signal.aborted) onText(text)
    await new Promise((done) => setTimeout(done, PAUSE_MS))
  }
}
