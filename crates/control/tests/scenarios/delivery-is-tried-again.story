      0s    the run begins
      0s    test/__actions_checkout begins
      0s  > retry is refused because the run has not ended yet
      2m    test/__actions_checkout success commit=0000000000000000000000000000000000000002
      2m    test/pytest begins
      2m    test/pytest success
      2m    test success
      2m    build/b begins
      2m    build/b success artifact=sha256:0000000000000000000000000000000000000000000000000000000000000000
      2m    build success
      2m    dev/ship begins
      2m    dev/ship success deployment=dep_2 environment=dev release=v2 url=http://app.example.org
      2m    dev success
      2m    prod/__solum_approve waits for 2 approvals by role:operator, for 3d at most
      2m    the run waits
      2m  > expect waiting approval prod
      2m  > approve as alice, bob
      2m    alice approves prod/__solum_approve
      2m    bob approves prod/__solum_approve
      2m    prod/__solum_approve success approved_by=alice, bob
      2m    prod/ship begins
      2m    the run goes on
      2m    prod/ship failure: it failed with health_check_failed
      2m    prod/smoke is skipped: a step before it failed
      2m    prod failure
      2m    the run failed
      2m  > expect run failed because health_check_failed
     12m  > after 10m retry failed
     12m    attempt 2 of the run
     12m    test is carried over
     12m    build is carried over
     12m    dev is carried over
     12m    the run begins
     12m    test success
     12m    build success
     12m    dev success
     12m    prod/__solum_approve waits for 2 approvals by role:operator, for 3d at most
     12m    the run waits
     12m  > expect job dev success
     12m  > expect waiting approval prod
     12m  > approve as alice, bob
     12m    alice approves prod/__solum_approve
     12m    bob approves prod/__solum_approve
     12m    prod/__solum_approve success approved_by=alice, bob
     12m    prod/ship begins
     12m    the run goes on
     12m    prod/ship success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
     12m    prod/smoke begins
     12m    prod/smoke success status=200
     12m    prod success
     12m    the run succeeded
     12m  > expect run succeeded
     12m  > expect elapsed 12m
     12m  > retry
     12m    attempt 3 of the run
     12m    the run begins
     12m    test/__actions_checkout begins
     14m    test/__actions_checkout success commit=0000000000000000000000000000000000000002
     14m    test/pytest begins
     14m    test/pytest success
     14m    test success
     14m    build/b begins
     14m    build/b success artifact=sha256:0000000000000000000000000000000000000000000000000000000000000000
     14m    build success
     14m    dev/ship begins
     14m    dev/ship success deployment=dep_2 environment=dev release=v2 url=http://app.example.org
     14m    dev success
     14m    prod/__solum_approve waits for 2 approvals by role:operator, for 3d at most
     14m    the run waits
     14m  > expect waiting approval prod
     14m  > expect elapsed 14m
