// The honest sentence of a page that came without https (contract: LAN links).
import { t } from '../language.ts'

export function PlainHttp({ secure }: { secure: boolean }) {
  if (secure) return null
  return <p class="banner">{t.start.plainHttp}</p>
}
