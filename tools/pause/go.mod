module domicile/tools/pause

go 1.26.0
