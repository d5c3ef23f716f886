      0s    the run begins
      0s    test/__actions_checkout begins
      2m    test/__actions_checkout success commit=0000000000000000000000000000000000000002
      2m    test/pytest begins
      2m    test/pytest success
      2m    test success
      2m    build/b begins
      2m    build/b success artifact=sha256:0123
      2m    build success
      2m    dev/ship begins
   2m20s    dev/ship success deployment=dep_2 environment=dev release=v2 url=http://app.example.org
   2m20s    dev success
   2m20s    prod/__solum_approve waits for 2 approvals by role:operator, for 3d at most
   2m20s    the run waits
   2m20s  > expect waiting approval prod
   2m20s  > expect job build outputs artifact=sha256:0123
 1h2m20s  > after 1h approve prod as alice, bob
 1h2m20s    alice approves prod/__solum_approve
 1h2m20s    bob approves prod/__solum_approve
 1h2m20s    prod/__solum_approve success approved_by=alice, bob
 1h2m20s    prod/ship begins
 1h2m20s    the run goes on
 1h3m20s    prod/ship success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
 1h3m20s    prod/smoke begins
 1h3m20s    prod/smoke failure: it failed with unexpected_status
 1h3m20s    prod failure
 1h3m20s    what the run did is taken back
 1h3m20s    prod/ship:undo begins
 1h3m20s    prod/ship:undo success deployment=dep_1 environment=prod release=v1 url=http://app.example.org
 1h3m20s    the run failed
 1h3m20s  > expect run failed because unexpected_status
 1h3m20s  > expect environment dev at new release
 1h3m20s  > expect environment prod at previous release
