// "Settings": what a person chooses for this browser.
import { t } from '../language.ts'
import { Dialog } from './dialogs.tsx'
import { LanguageChoice } from './LanguageChoice.tsx'

export const SettingsDialog = ({ onClose }: { onClose: () => void }) => (
  <Dialog name={t.settings.title} onClose={onClose}>
    <LanguageChoice />
  </Dialog>
)
