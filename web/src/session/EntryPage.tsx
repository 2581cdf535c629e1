import { Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Mark } from '../components/Mark.tsx';
import { usePageTitle } from '../components/Page.tsx';
import classes from './EntryPage.module.css';

/** The page before the app, for signing in and choosing a password. */
export function EntryPage({ title, children }: { title: string; children: ReactNode }) {
  usePageTitle(title);
  return (
    <div className={classes.page}>
      <header className={classes.aside}>
        <div className={classes.brand}>
          <Mark size={26} /> PFA Vanguard
        </div>
        <div>
          <Lines />
          <p className={classes.claim}>
            Plan, forecast and actuals for every piece of equipment: as exact as PEMS, as fast as a
            spreadsheet.
          </p>
        </div>
        <div className={classes.small}>Your changes stay private until you submit them.</div>
      </header>
      <main className={classes.form}>
        <div className={classes.inner}>
          <Title order={1} mb="lg">
            {title}
          </Title>
          {children}
        </div>
      </main>
    </div>
  );
}

/** Decoration: three bars on a time line for plan, forecast and actual. */
function Lines() {
  return (
    <svg className={classes.bars} viewBox="0 0 460 120" aria-hidden>
      {[0, 92, 184, 276, 368, 459].map((x) => (
        <path key={x} d={`M${x + 0.5} 0v120`} stroke="#12484f" />
      ))}
      <rect x="24" y="16" width="260" height="18" rx="3" fill="#1d5d66" />
      <rect x="70" y="50" width="300" height="18" rx="3" fill="#2f97a3" />
      <rect x="70" y="84" width="142" height="18" rx="3" fill="#a3d4d9" />
      <path d="M212 4v112" stroke="#e8f5f6" strokeDasharray="3 4" />
    </svg>
  );
}
