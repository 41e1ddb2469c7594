// A safety code: as numbers to read out, as a QR code to photograph, and compared with another's by the camera.
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatSafetyQr, parseSafetyQr } from '../../shared/safety.ts'
import { t } from '../language.ts'
import { Qr } from './Qr.tsx'

/** `lead`: what the same numbers mean; not said below another code. */
export function SafetyCode({ code, lead }: { code: readonly string[]; lead?: string }) {
  const [scanning, setScanning] = useState(false)
  const [finding, setFinding] = useState<Finding>('looking')
  const compare = (): void => {
    setFinding('looking')
    setScanning(!scanning)
  }
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
        <button type="button" class="quiet small" onClick={compare}>
          {scanning ? t.safety.stop : t.safety.compare}
        </button>
      )}
      {scanning && <Scanner code={code} finding={finding} onFinding={setFinding} />}
      {lead !== undefined && finding !== 'other' && <p class="lead">{lead}</p>}
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

function Scanner(props: {
  readonly code: readonly string[]
  readonly finding: Finding
  readonly onFinding: (finding: Finding) => void
}) {
  const { code, finding, onFinding } = props
  const video = useRef<HTMLVideoElement>(null)
  const isOver = finding === 'same' || finding === 'other'
  useEffect(() => {
    const end = new AbortController()
    const onText = (text: string): void => {
      const found = findingOf(text, code)
      onFinding(found)
      if (found !== 'foreign') end.abort()
    }
    const look = async (): Promise<void> => {
      const { watch } = await import('../camera.ts')
      if (video.current !== null) await watch(video.current, onText, end.signal)
    }
    look().catch((error: unknown) => {
      if (end.signal.aborted) return
      const isRefused = error instanceof DOMException && error.name === 'NotAllowedError'
      onFinding(isRefused ? 'refused' : 'none')
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
