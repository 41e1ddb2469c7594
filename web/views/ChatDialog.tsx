// The dialogs of the chat, as one part of the page (parts.ts).
import type { Room } from '../model.ts'
import type { ScreenProps } from './App.tsx'
import { DetailsDialog, SecurityDialog } from './dialogs.tsx'
import { HostDialog } from './HostDialog.tsx'
import { NotificationsDialog } from './NotificationsDialog.tsx'
import { PeopleDialog } from './People.tsx'
import { NewRoomDialog, RoomDialog } from './RoomDialogs.tsx'
import { SettingsDialog } from './Settings.tsx'
import { ShortcutsDialog } from './Shortcuts.tsx'

export type DialogName =
  | 'security'
  | 'details'
  | 'people'
  | 'host'
  | 'new-room'
  | 'room'
  | 'settings'
  | 'shortcuts'
  | 'notifications'

type ChatDialogProps = Pick<ScreenProps, 'state' | 'engine' | 'version'> & {
  readonly name: DialogName
  /** that is shown; undefined once one is in none */
  readonly room: Room | undefined
  readonly onClose: () => void
  readonly onShortcuts: () => void
}

export function ChatDialog({ name, room, version, onShortcuts, ...props }: ChatDialogProps) {
  switch (name) {
    case 'security':
      return <SecurityDialog {...props} version={version.value} />
    case 'details':
      return <DetailsDialog {...props} />
    case 'people':
      return <PeopleDialog {...props} />
    case 'host':
      return <HostDialog {...props} />
    case 'new-room':
      return <NewRoomDialog {...props} />
    case 'room':
      return room === undefined ? null : <RoomDialog {...props} room={room} />
    case 'settings':
      return <SettingsDialog {...props} onShortcuts={onShortcuts} />
    case 'shortcuts':
      return <ShortcutsDialog {...props} />
    case 'notifications':
      return <NotificationsDialog {...props} />
  }
}
