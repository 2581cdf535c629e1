import { getRouteApi } from '@tanstack/react-router';
import { useOrganization } from '../../app/organization.tsx';
import { Page } from '../../components/Page.tsx';
import { PageLink } from '../../components/PageLink.tsx';
import { RecordHistory } from '../../records/RecordHistory.tsx';
import { recordSearch } from '../../records/recordSearch.ts';
import classes from './HistoryPage.module.css';

const route = getRouteApi('/o/$code/records/$pfaId/history');

/** The history of one record, at an address that can be shared. */
export function HistoryPage() {
  const { organization } = useOrganization();
  const { pfaId } = route.useParams();
  return (
    <Page
      title={`History of ${pfaId}`}
      scope={organization.code}
      subtitle={
        <PageLink to="/o/$code/records" params={{ code: organization.code }} search={recordSearch(pfaId)}>
          Open record
        </PageLink>
      }
    >
      <div className={classes.panel}>
        <RecordHistory organizationId={organization.id} pfaId={pfaId} />
      </div>
    </Page>
  );
}
