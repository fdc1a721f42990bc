#pragma once

#include "api/router.hpp"

// Every handler, by resource. Each is one coroutine: read, run the registry where it may block, write.
namespace deputy::api {

Task<Result<Reply>> create_tenant(const Services&, Call);
Task<Result<Reply>> list_tenants(const Services&, Call);
Task<Result<Reply>> get_tenant(const Services&, Call);

Task<Result<Reply>> put_integration(const Services&, Call);
Task<Result<Reply>> list_integrations(const Services&, Call);
Task<Result<Reply>> get_integration(const Services&, Call);

Task<Result<Reply>> create_connection(const Services&, Call);
Task<Result<Reply>> list_connections(const Services&, Call);
Task<Result<Reply>> get_connection(const Services&, Call);
Task<Result<Reply>> disconnect(const Services&, Call);
Task<Result<Reply>> put_role(const Services&, Call);
Task<Result<Reply>> release_connection(const Services&, Call);

Task<Result<Reply>> request_verification(const Services&, Call);
Task<Result<Reply>> list_verifications(const Services&, Call);
Task<Result<Reply>> get_verification(const Services&, Call);

Task<Result<Reply>> begin_rotation(const Services&, Call);
Task<Result<Reply>> promote_rotation(const Services&, Call);
Task<Result<Reply>> cancel_rotation(const Services&, Call);

Task<Result<Reply>> get_template(const Services&, Call);
Task<Result<Reply>> get_launch_url(const Services&, Call);

Task<Result<Reply>> issue_credentials(const Services&, Call);
Task<Result<Reply>> issue_container_credentials(const Services&, Call);
Task<Result<Reply>> list_issuances(const Services&, Call);

Task<Result<Reply>> put_workload(const Services&, Call);
Task<Result<Reply>> list_workloads(const Services&, Call);
Task<Result<Reply>> get_workload(const Services&, Call);

Task<Result<Reply>> create_key(const Services&, Call);
Task<Result<Reply>> list_keys(const Services&, Call);
Task<Result<Reply>> get_key(const Services&, Call);
Task<Result<Reply>> revoke_key(const Services&, Call);

Task<Result<Reply>> create_connect_session(const Services&, Call);
Task<Result<Reply>> list_connect_sessions(const Services&, Call);
Task<Result<Reply>> get_connect_session(const Services&, Call);
Task<Result<Reply>> end_connect_session(const Services&, Call);

Task<Result<Reply>> list_journal(const Services&, Call);

Task<Result<Reply>> get_report_key(const Services&, Call);
Task<Result<Reply>> list_log_sources(const Services&, Call);
Task<Result<Reply>> get_log_status(const Services&, Call);
Task<Result<Reply>> audit_log_group(const Services&, Call);

Task<Result<Reply>> search_logs(const Services&, Call);
Task<Result<Reply>> follow_logs(const Services&, Call);

Task<Result<Reply>> get_health(const Services&, Call);
Task<Result<Reply>> get_readiness(const Services&, Call);
Task<Result<Reply>> get_metrics(const Services&, Call);
Task<Result<Reply>> get_openapi(const Services&, Call);
Task<Result<Reply>> get_docs(const Services&, Call);
Task<Result<Reply>> get_front_page(const Services&, Call);
Task<Result<Reply>> get_page_asset(const Services&, Call);

}  // namespace deputy::api
