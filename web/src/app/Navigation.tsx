import { Link } from '@tanstack/react-router';
import classes from './Navigation.module.css';
import { pages } from './pages.ts';
import { rememberedSearch } from './rememberedView.ts';

/** Links to the pages of an organization, each with its last view. */
export function Navigation({ code }: { code: string }) {
  return (
    <ul className={classes.list}>
      {pages.map(({ name, label, icon: Icon, to }) => (
        <li key={name}>
          <Link
            to={to}
            params={{ code }}
            search={rememberedSearch(code, name)}
            className={classes.link}
            activeOptions={{ includeSearch: false }}
            activeProps={{ 'data-active': true }}
          >
            <Icon /> {label}
          </Link>
        </li>
      ))}
    </ul>
  );
}
