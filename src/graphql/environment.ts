import './nullable-cursors.ts';

// Read by the GraphQL library when it is imported: its additional checks of itself cost time and help only its authors.
process.env.GRAPHILE_ENV ??= 'production';
