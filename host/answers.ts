// Words for people: what a command answers.
import type { BackupResult, RestoreResult } from './backup.ts'
import type { DeployResult, InviteResult, InviteRow, RotateResult, StatusResult } from './config.ts'
import type { ExportResult } from './export.ts'
import type { DoctorStep } from './megadoctor.ts'
import { routerLines } from './routerwords.ts'
import { errorWords, formatMoment, linkText, pageLine } from './terminal.ts'

export function inviteText(result: InviteResult): string {
  const uses = result.uses === 1 ? 'once' : `${result.uses} times`
  const head = `Invite ${result.id}: works ${uses}, until ${formatMoment(result.expires)}.`
  return `${head}\n\n${linkText(result.invite, result.reach)}`
}

export function inviteListText(rows: readonly InviteRow[]): string {
  if (rows.length === 0) return 'No invites.'
  return rows
    .map((row) => {
      const note = row.note === '' ? '' : `  ${row.note}`
      return `${row.id}  ${row.role}  ${row.state}  used ${row.used} of ${row.uses}  until ${formatMoment(row.expires)}${note}`
    })
    .join('\n')
}

export function statusText(status: StatusResult): string {
  const stores = status.stores.map(({ store, seq, code }) => {
    const state = code === null ? `record ${seq ?? 'not yet published'}` : `failing (${code})`
    return `Store: ${store}: ${state}`
  })
  return [
    `${status.name} is running.`,
    ...status.pages.map(pageLine),
    `Port: ${status.port} (epoch ${status.epoch}), changes at ${formatMoment(status.nextRotation)}`,
    ...stores,
    ...routerLines(status.router),
    `Members: ${status.members}; devices: ${status.devices}; connected now: ${status.connected}`,
    `Fingerprint (the page shows the same under "Security"): ${status.identity}`,
    `Data: ${status.dataDir}`,
  ].join('\n')
}

export const rotateText = (result: RotateResult): string =>
  `Port ${result.previousPort} → ${result.port}; the old one closes at ${formatMoment(result.graceEndsAt)}.`

const STEP_WORDS: Readonly<Record<DoctorStep['step'], string>> = {
  'sign-in': 'signing in, and the file with its public link',
  link: 'reading through the link, without account',
  plain: 'reading as a page does, without asking first',
  size: 'properties of',
  delay: 'longest wait until readers see what was written',
  session: 'the session still works, begun',
}

export function doctorText(steps: readonly DoctorStep[]): string {
  const rows = steps.map(({ step, ok, code, ms, bytes, ageMs }) => {
    const size = bytes === undefined ? '' : ` ${bytes} bytes`
    const age = ageMs === undefined ? '' : ` ${Math.round(ageMs / 60_000)} minutes ago`
    const words = `${STEP_WORDS[step]}${size}${age}`
    if (ok) return `  yes  ${words} (${ms} ms)`
    const why = code === null ? null : errorWords(code)
    return `  no   ${words} (${code})${why === null ? '' : `: ${why.message} ${why.next}`}`
  })
  return ['MEGA:', ...rows].join('\n')
}

export function deployText(result: DeployResult): string {
  if (result.event === 'worker-forgotten') {
    return result.worker === null
      ? 'There is no worker to forget.'
      : `The next start no longer uses the worker ${result.worker}. At Cloudflare it stays: "npx wrangler delete --name ${result.worker}" deletes it.`
  }
  return result.url === null
    ? `Everything is ready to deploy the worker ${result.worker}; nothing was uploaded.`
    : `Deployed: ${result.url}\nStart the host again: its links will lead there.`
}

export function backupText({ backup, files, sealed }: BackupResult): string {
  const how = sealed
    ? 'Sealed by its passphrase: without that nobody can open it, you neither.'
    : 'Not encrypted: whoever has it can read everything and be this host. Keep it as safe as the host.'
  return `Wrote ${files} files into ${backup}\n${how}`
}

export const restoreText = ({ restored, files }: RestoreResult): string =>
  `Put ${files} files into ${restored}
The old copy must never run again: a host that finds another of itself stops. Start this one with
--take-over if the old one was seen since. What was said after the backup comes back from the devices.`

export function exportText({ exported, rooms, messages, files, damaged }: ExportResult): string {
  const lost = damaged === 0 ? '' : `\n${damaged} files could not be read.`
  return `Wrote ${messages} messages of ${rooms} rooms, with ${files} files, into ${exported}${lost}\nNothing in there is encrypted.`
}
