#!/bin/sh
echo "script of the action"
