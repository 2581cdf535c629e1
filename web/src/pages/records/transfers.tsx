import { Button, Group, Progress, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { formatCount } from '../../format/numbers.ts';

/** Work shorter than this shows no progress, in milliseconds. */
const quick = 400;

/** Shows the progress of long work in a notification with a stop button. Hides the notification when the work ends. */
export async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, onProgress: (done: number, of: number) => void) => Promise<T>,
): Promise<T> {
  const id = `progress-${crypto.randomUUID()}`;
  const stopping = new AbortController();
  let progress = { done: 0, of: 0 };
  let isShown = false;
  const content = () => ({
    ...{ id, title, autoClose: false as const, withCloseButton: false },
    message: <Transfer {...progress} onStop={() => stopping.abort()} />,
  });
  const timer = setTimeout(() => {
    isShown = true;
    notifications.show(content());
  }, quick);
  try {
    return await work(stopping.signal, (done, of) => {
      progress = { done, of };
      if (isShown) notifications.update(content());
    });
  } finally {
    clearTimeout(timer);
    notifications.hide(id);
  }
}

function Transfer({ done, of, onStop }: { done: number; of: number; onStop: () => void }) {
  return (
    <>
      <Text size="sm">{of > 0 ? `${formatCount(done)} of ${formatCount(of)}` : 'Preparing'}</Text>
      <Group gap="sm" mt={6} wrap="nowrap">
        <Progress value={of > 0 ? (done / of) * 100 : 0} style={{ flex: 1 }} aria-label="Progress" />
        <Button size="compact-xs" variant="default" onClick={onStop}>
          Stop
        </Button>
      </Group>
    </>
  );
}

/**
 * Copies text that took time to prepare. Browsers allow that for some seconds after a key press; after that, a
 * notification asks the user for a click.
 */
export async function copyLater(text: string, rows: number): Promise<void> {
  const done = () => notifications.show({ title: `${formatCount(rows)} rows copied.`, message: '' });
  try {
    await navigator.clipboard.writeText(text);
    done();
  } catch {
    // The browser requires a click, or offers no clipboard to pages over plain HTTP.
    const id = `copy-${crypto.randomUUID()}`;
    const copy = () => {
      const write = (event: ClipboardEvent) => {
        event.preventDefault();
        event.stopImmediatePropagation();
        event.clipboardData?.setData('text/plain', text);
      };
      document.addEventListener('copy', write, { capture: true, once: true });
      document.execCommand('copy');
      notifications.hide(id);
      done();
    };
    notifications.show({
      ...{ id, title: `${formatCount(rows)} rows are ready.`, autoClose: false },
      message: (
        <Button size="compact-xs" onClick={copy}>
          Copy
        </Button>
      ),
    });
  }
}
