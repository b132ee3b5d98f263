// js/dashboard: velo-stream/dashboard: a page that shows what runs in the process. Owns the page, and who may see it; knows nothing of how streams work, nor of the server that it hangs in.

export { type Dashboard, type DashboardOptions, dashboard } from './dashboard.js'
