// A safety code: as numbers to read out, as a QR code to photograph, and compared with another's by the camera.
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatSafetyQr, parseSafetyQr } from '../../shared/safety.ts'
import { t } from '../language.ts'
import { Qr } from './Qr.tsx'

export function SafetyCode({ code }: { code: readonly string[] }) {
  const [scanning, setScanning] = useState(false)
  return (
    <>
      <p class="code" dir="ltr">
        {code.map((group, i) => (
          <span key={i}>{` ${group} `}</span>
        ))}
      </p>
      <details class="safety-qr">
        <summary>{t.safety.show}</summary>
        <Qr text={formatSafetyQr(code)} label={t.safety.qr} />
      </details>
      {/* Without https browsers give no camera to pages. */}
      {isSecureContext && (
        <button type="button" class="quiet small" onClick={() => setScanning(!scanning)}>
          {scanning ? t.safety.stop : t.safety.compare}
        </button>
      )}
      {scanning && <Scanner code={code} />}
    </>
  )
}

type Finding = 'looking' | 'same' | 'other' | 'foreign' | 'refused' | 'none'

/** What a text that was read says of this code. */
function findingOf(text: string, code: readonly string[]): Finding {
  try {
    return parseSafetyQr(text).join() === code.join() ? 'same' : 'other'
  } catch {
    return 'foreign'
  }
}

function Scanner({ code }: { code: readonly string[] }) {
  const video = useRef<HTMLVideoElement>(null)
  const [finding, setFinding] = useState<Finding>('looking')
  const isOver = finding === 'same' || finding === 'other'
  useEffect(() => {
    const end = new AbortController()
    const onText = (text: string): void => {
      const found = findingOf(text, code)
      setFinding(found)
      if (found !== 'foreign') end.abort()
    }
    const look = async (): Promise<void> => {
      const { watch } = await import('../camera.ts')
      if (video.current !== null) await watch(video.current, onText, end.signal)
    }
    look().catch((error: unknown) => {
      if (end.signal.aborted) return
      const isRefused = error instanceof DOMException && error.name === 'NotAllowedError'
      setFinding(isRefused ? 'refused' : 'none')
    })
    return () => end.abort()
  }, [])
  return (
    <>
      {!isOver && (
        <video class="camera" ref={video} muted playsInline aria-label={t.safety.camera} />
      )}
      <p class={`finding ${finding}`} role="status" data-finding={finding}>
        <strong>{t.safety.findings[finding].what}</strong> {t.safety.findings[finding].next}
      </p>
    </>
  )
}
