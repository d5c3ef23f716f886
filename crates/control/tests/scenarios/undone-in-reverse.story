      0s    the run begins
      0s    dev/one begins
     20s    dev/one success deployment=dep_2 environment=dev release=v2 url=http://app.example.org
     20s    dev success
     20s    prod/two begins
     40s    prod/two success deployment=dep_2 environment=prod release=v2 url=http://app.example.org
     40s    prod/three begins
     40s    prod/three success body= status=200
     40s    prod success
     40s    check/smoke begins
      1m  > expect after 1m environment prod at new release
   5m40s    check/smoke failure: it ended with exit code 1
   5m40s    check failure
   5m40s    what the run did is taken back
   5m40s    prod/three:undo begins
   5m40s    prod/three:undo failure: it failed with unavailable
   5m40s    prod/two:undo begins
   5m40s    prod/two:undo success deployment=dep_1 environment=prod release=v1 url=http://app.example.org
   5m40s    dev/one:undo begins
   5m50s    dev/one:undo success deployment=dep_1 environment=dev release=v1 url=http://app.example.org
   5m50s    the run failed
   5m50s  > expect run failed because it ended with exit code 1
   5m50s  > expect order dev/one, prod/two, prod/three, check/smoke, prod/three:undo, prod/two:undo, dev/one:undo
   5m50s  > expect step prod/three:undo failure
   5m50s  > expect environment prod at previous release
   5m50s  > expect environment dev at previous release
