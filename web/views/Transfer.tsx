// How far a file is on its way, in figures and words.
import type { Attachment } from '../../shared/attachment.ts'
import type { ClawErrorCode } from '../../shared/error.ts'
import { formatNumber, t } from '../language.ts'
import type { TransferView } from '../model.ts'
import { wordsOf } from '../words.ts'

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']

/** "3.2 MB". */
export function formatBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  const rounded = power > 0 && value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
  return `${formatNumber(rounded)} ${UNITS[power]}`
}

export function Progress({ transfer, file }: { transfer: TransferView; file: Attachment }) {
  const { way, phase, bytes, total, perSecond, code } = transfer
  if (phase === 'done') return null
  if (phase === 'failed' && code !== null) return <Problem code={code} />
  const label = way === 'up' ? t.attachment.sending(file.name) : t.attachment.getting(file.name)
  const rate = phase === 'paused' ? t.attachment.paused : speedWords(perSecond)
  return <Bar {...{ label, bytes, total, rate }} />
}

export function Problem({ code }: { code: ClawErrorCode }) {
  const { what, why, next } = wordsOf(code)
  return (
    <p class="problem" role="alert" data-code={code}>
      {what} {why} {next}
    </p>
  )
}

interface BarProps {
  readonly label: string
  readonly bytes: number
  readonly total: number
  readonly rate?: string
}

export function Bar({ label, bytes, total, rate }: BarProps) {
  return (
    <div class="progress">
      <progress max={total} value={bytes} aria-label={label} />
      <span class="fine">
        {t.attachment.of(formatBytes(bytes), formatBytes(total))}
        {rate !== undefined && ` · ${rate}`}
      </span>
    </div>
  )
}

const speedWords = (perSecond: number | null): string =>
  perSecond === null || perSecond < 1 ? t.attachment.waiting : `${formatBytes(perSecond)}/s`
