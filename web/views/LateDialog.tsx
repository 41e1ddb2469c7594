// A dialog of the chat, and what stands in its place while its part of the page is not here.
import type { ComponentProps } from 'preact'
import { t } from '../language.ts'
import { Alert } from './Alert.tsx'
import type { ChatDialog, DialogName } from './ChatDialog.tsx'
import { Dialog } from './Dialog.tsx'
import { Late } from './Late.tsx'
import { DIALOGS } from './parts.ts'

type LateDialogProps = ComponentProps<typeof ChatDialog>

export function LateDialog(props: LateDialogProps) {
  const frame = { name: titleOf(props), onClose: props.onClose }
  return (
    <Late
      part={DIALOGS}
      waiting={
        <Dialog {...frame}>
          <p class="skeleton" aria-hidden="true" />
        </Dialog>
      }
      missing={(retry) => (
        <Dialog {...frame}>
          <Alert code="page-incomplete" onRetry={retry} />
        </Dialog>
      )}
    >
      {(View) => <View {...props} />}
    </Late>
  )
}

const titleOf = ({ name, room }: LateDialogProps): string => {
  const titles: Record<DialogName, string> = {
    security: t.security.title,
    details: t.details.title,
    people: t.people.title,
    host: t.host.title,
    'new-room': t.rooms.newRoom,
    room: room?.name ?? '',
    settings: t.settings.title,
    shortcuts: t.shortcuts.title,
    notifications: t.notifications.title,
  }
  return titles[name]
}
